// SPDX-License-Identifier: BSD-3-Clause
#include "control/tunnels/tunnels.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "control/reconcile/desired_tunnels.h"
#include "dataplane/contract/framing.h"

namespace towpath::control {

using namespace contract;

namespace {

// As many as the data plane makes for its peers (decisions.md W16).
std::uint32_t session_slots(const StartSettings& running) noexcept {
    return running.peers + running.peers / 2 + 64;
}

}  // namespace

Tunnels::Tunnels(TunnelIo io, wireguard::Random& random, wireguard::Timestamp kept)
    : io_{std::move(io)}, sent_floor_{kept}, source_limiter_{random}, random_{random} {}

template <class M>
void Tunnels::tell(const M& message) {
    const auto bytes = bytes_of(message);
    io_.send({bytes.begin(), bytes.end()});
}

void Tunnels::on_config(std::shared_ptr<const config::Config> config) {
    config_ = std::move(config);
    is_config_newer_ = true;  // told when the world that goes with it is in force
}

void Tunnels::on(const HelloDataplane& message) {
    start_id_ = message.start_id;
    index_key_ = message.index_key;
}

void Tunnels::on_closed() {
    state_ = State::unused;
    installing_.clear();
    adopted_ = {};
    survey_ = {};
}

void Tunnels::on_world_applied(const StartSettings& running) {
    running_ = running;
    if (running.tunnel_count == 0 || state_ == State::asking_peers ||
        state_ == State::asking_sessions) {
        return;
    }
    const bool is_first = prepared_for_ == 0;
    const bool is_another = prepared_for_ != start_id_;
    prepared_for_ = start_id_;
    if (is_another) {
        indices_ = wireguard::IndexAllocator{index_key_, session_slots(running)};
    }
    if (is_first) {
        book_.begin(running.peers);
        state_ = State::asking_peers;
        tell(PeersQuery{});
        return;
    }
    if (is_another) {
        const wireguard::Moment moment = io_.moment();
        book_.use_learned_endpoints();
        for (auto& [name, tunnel] : tunnels_) {
            tunnel->device.on_new_data_plane(moment, [this](std::uint32_t peer) {
                const BookedPeer* const booked = book_.find(peer);
                return booked != nullptr && !booked->endpoint.is_none();
            });
        }
    }
    const bool has_nothing = is_another || state_ == State::unused;
    if (has_nothing || std::exchange(is_config_newer_, false)) {
        Changes changes = configure();
        carry_out(changes, has_nothing);
    }
}

void Tunnels::on(const PeersReply& message) {
    if (state_ == State::running) {
        on_surveyed(message);
        return;
    }
    if (state_ != State::asking_peers) {
        return;
    }
    adopted_.peers.insert(adopted_.peers.end(), message.rows.begin(),
                          message.rows.begin() + message.count);
    if (message.next_cursor != 0) {
        PeersQuery query;
        query.cursor = message.next_cursor;
        tell(query);
        return;
    }
    state_ = State::asking_sessions;
    tell(SessionsQuery{});
}

void Tunnels::on(const SessionsReply& message) {
    if (state_ != State::asking_sessions) {
        return;
    }
    adopted_.sessions.insert(adopted_.sessions.end(), message.rows.begin(),
                             message.rows.begin() + message.count);
    if (message.next_cursor != 0) {
        SessionsQuery query;
        query.cursor = message.next_cursor;
        tell(query);
        return;
    }
    finish_adoption();
}

void Tunnels::finish_adoption() {
    const Adopted adopted = std::exchange(adopted_, {});
    for (const PeerRow& row : adopted.peers) {
        const std::size_t position = row.tunnel - std::size_t{running_.port_count};
        if (row.tunnel >= running_.port_count && position < running_.tunnel_count) {
            book_.adopt(running_.tunnels[position].name.str(), row);
        }
    }
    is_config_newer_ = false;
    Changes changes = configure();
    for (const PeerRow& row : adopted.peers) {
        if (Tunnel* const tunnel = tunnel_of(row.peer); tunnel != nullptr) {
            tunnel->device.adopt_peer(row.peer, wireguard::Timestamp::from_bytes(row.timestamp),
                                      !row.endpoint.endpoint().is_none());
        }
    }
    const Now now = io_.moment().now;
    for (const SessionRow& row : adopted.sessions) {
        if (Tunnel* const tunnel = tunnel_of(row.peer); tunnel != nullptr) {
            static_cast<void>(tunnel->device.adopt_session(
                {row.peer, row.index, now - std::chrono::milliseconds{row.age_ms}}));
        } else {
            static_cast<void>(indices_.adopt(row.index));  // it ends with its peer
        }
    }
    carry_out(changes, true);
    for (const PeerRow& row : adopted.peers) {
        book_.learn(row.peer, row.endpoint.endpoint());
    }
}

Tunnels::Changes Tunnels::configure() {
    Changes changes;
    for (const config::Tunnel& tunnel : config_->tunnels) {
        const auto id = interface_id(running_, tunnel.name);
        if (id && *id >= running_.port_count) {
            configure_tunnel(tunnel, *id, changes);
        }
    }
    std::vector<std::string> gone;
    for (const auto& [name, tunnel] : tunnels_) {
        if (config_->find_tunnel(name) == nullptr) {
            gone.push_back(name);
        }
    }
    for (const std::string& name : gone) {
        remove_tunnel(name, changes);
    }
    return changes;
}

void Tunnels::configure_tunnel(const config::Tunnel& settings, std::uint8_t interface_id,
                               Changes& changes) {
    std::unique_ptr<Tunnel>& tunnel = tunnels_[settings.name];
    if (tunnel == nullptr) {
        tunnel = std::make_unique<Tunnel>(Tunnel{
            interface_id,
            {},
            wireguard::Device{{indices_, sent_floor_, under_load_, source_limiter_, random_}}});
    }
    tunnel->interface_id = interface_id;
    wireguard::ActionList actions;
    std::optional<crypto::PrivateKey> key;
    if (!settings.private_key.is_zero()) {
        key.emplace(settings.private_key.bytes());
    }
    tunnel->device.set_identity(std::move(key), io_.moment(), actions);
    tunnel->settings = settings;
    tunnel->settings.peers = std::vector<config::Peer>{};  // each is in the book
    std::vector<std::uint32_t> kept;
    for (const config::Peer& peer : settings.peers) {
        const auto number = book_.number_of(settings.name, peer.public_key);
        if (!number) {
            io_.log("peer " + config::label_of(peer) +
                    " finds no room in the data plane: restart needed");
            continue;
        }
        kept.push_back(*number);
        configure_peer(*tunnel, settings.name, peer, *number, changes, actions);
    }
    std::sort(kept.begin(), kept.end());
    for (const std::uint32_t number : book_.others_of(settings.name, kept)) {
        changes.removed.push_back(number);
        tunnel->device.remove_peer(number, actions);
    }
    changes.actions.emplace_back(settings.name, std::move(actions));
}

void Tunnels::configure_peer(Tunnel& tunnel, const std::string& name, const config::Peer& peer,
                             std::uint32_t number, Changes& changes,
                             wireguard::ActionList& actions) {
    const BookedPeer* const before = book_.find(number);
    std::shared_ptr<const config::Peer> shared{config_, &peer};
    if (before != nullptr && *before->settings == peer &&
        before->tunnel_id == tunnel.interface_id) {
        book_.refer(number, std::move(shared), name);
        return;
    }
    BookedPeer booked;
    booked.settings = std::move(shared);
    booked.tunnel = &name;
    booked.tunnel_id = tunnel.interface_id;
    if (before != nullptr) {
        booked.endpoint = before->endpoint;
        booked.endpoint_generation = before->endpoint_generation;
        booked.learned = before->learned;
    }
    book_.book(number, std::move(booked));
    wireguard::PeerSettings settings;
    settings.id = number;
    settings.public_key = peer.public_key;
    settings.preshared_key = wireguard::PresharedKey{peer.preshared_key.bytes()};
    settings.re_resolve = tunnel.settings.re_resolve;
    if (peer.endpoint) {
        settings.endpoint.name = peer.endpoint->name;
        settings.endpoint.port = peer.endpoint->port;
        if (!peer.endpoint->address.is_none()) {
            settings.endpoint.address = {peer.endpoint->address, Port{peer.endpoint->port}};
        }
    }
    if (!tunnel.device.set_peer(std::move(settings), io_.moment(), actions)) {
        // Our own key: as the kernel does, without a word to the peer (wireguard.md section 16).
        io_.log("peer " + config::label_of(peer) + " of " + tunnel.settings.name +
                " has our own key and is left out");
        book_.release(number);
        return;
    }
    changes.stated.push_back(number);
}

void Tunnels::remove_tunnel(const std::string& name, Changes& changes) {
    for (const std::uint32_t number : book_.others_of(name, {})) {
        changes.removed.push_back(number);
    }
    tunnels_.erase(name);
}

void Tunnels::carry_out(Changes& changes, bool is_whole) {
    for (auto& [name, actions] : changes.actions) {
        for (const wireguard::Action& action : actions) {
            if (const auto* const set = std::get_if<wireguard::SetEndpoint>(&action)) {
                book_.set_endpoint(set->peer, set->endpoint, set->generation);
            }
        }
    }
    if (is_whole) {
        changes.stated.clear();
        std::sort(changes.removed.begin(), changes.removed.end());
        for (const auto& [number, peer] : book_.booked()) {
            if (!std::binary_search(changes.removed.begin(), changes.removed.end(), number)) {
                changes.stated.push_back(number);
            }
        }
    }
    state_ = State::stating;
    send_transaction(changes.stated, is_whole ? std::vector<std::uint32_t>{} : changes.removed,
                     is_whole);
    for (const std::uint32_t number : changes.removed) {
        book_.release(number);
    }
    for (auto& [name, actions] : changes.actions) {
        if (const auto tunnel = tunnels_.find(name); tunnel != tunnels_.end()) {
            carry_out(*tunnel->second, actions);
        }
    }
}

void Tunnels::send_transaction(const std::vector<std::uint32_t>& stated,
                               const std::vector<std::uint32_t>& removed, bool is_whole) {
    for (Datagram& datagram : book_.transaction(stated, removed, is_whole, ++commits_)) {
        io_.send(std::move(datagram));
    }
}

void Tunnels::on(const PeersApplied& message) {
    if (state_ == State::stating && message.number == commits_) {
        state_ = State::running;
        on_wake();
    }
}

Tunnels::Tunnel* Tunnels::tunnel_with(std::uint8_t interface_id) {
    for (auto& [name, tunnel] : tunnels_) {
        if (tunnel->interface_id == interface_id) {
            return tunnel.get();
        }
    }
    return nullptr;
}

Tunnels::Tunnel* Tunnels::tunnel_of(std::uint32_t peer) {
    const BookedPeer* const booked = book_.find(peer);
    const auto found = booked == nullptr ? tunnels_.end() : tunnels_.find(*booked->tunnel);
    return found == tunnels_.end() ? nullptr : found->second.get();
}

}  // namespace towpath::control
