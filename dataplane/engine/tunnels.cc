// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/tunnels.h"

#include <algorithm>
#include <string>

namespace towpath::engine {
namespace {

using contract::TunnelEventKind;

// Handshake messages count with what they bring or carry (wireguard.md section 11).
constexpr std::uint64_t kInitiation_bytes = sizeof(towpath::wireguard::Initiation);
constexpr std::uint64_t kResponse_bytes = sizeof(towpath::wireguard::Response);

std::string named(std::uint32_t peer) {
    return "peer " + std::to_string(peer);
}

TunnelEventKind kind_of(wireguard::TunnelEventKind kind) noexcept {
    switch (kind) {
        case wireguard::TunnelEventKind::no_answer:
            return TunnelEventKind::no_answer;
        case wireguard::TunnelEventKind::session_confirmed:
            return TunnelEventKind::session_confirmed;
        case wireguard::TunnelEventKind::session_ended:
            return TunnelEventKind::session_ended;
        case wireguard::TunnelEventKind::bad_mac1:
            return TunnelEventKind::bad_mac1;
        case wireguard::TunnelEventKind::handshake_wanted:
            break;
    }
    return TunnelEventKind::handshake_wanted;
}

contract::HandshakeRow row_of(const wireguard::ReceivedHandshake& received) noexcept {
    contract::HandshakeRow row;
    row.received_at_ns =
        static_cast<std::uint64_t>(received.received_at.time_since_epoch().count());
    row.source = contract::IpEndpointField::of(received.source);
    row.local = contract::IpEndpointField::of({received.local, received.local_port});
    row.tunnel = static_cast<std::uint8_t>(received.tunnel);
    row.worker = received.worker;
    row.length = received.length_bytes;
    row.packet = received.bytes;
    return row;
}

}  // namespace

Outcome<std::unique_ptr<Tunnels>> Tunnels::create(const contract::StartSettings& start,
                                                  const wireguard::Capacity& capacity,
                                                  wireguard::TableKeys keys, Quiescence& quiescence,
                                                  worker::ServerBell& bell) {
    auto tables = wireguard::Tables::create(capacity, keys, quiescence);
    if (!tables) {
        return tl::unexpected{tables.error()};
    }
    return std::unique_ptr<Tunnels>{new Tunnels{start, std::move(*tables), quiescence, bell}};
}

Tunnels::Tunnels(const contract::StartSettings& start, std::unique_ptr<wireguard::Tables> tables,
                 Quiescence& quiescence, worker::ServerBell& bell)
    : tables_{std::move(tables)},
      bell_{bell},
      first_id_{start.port_count},
      known_{tables_->capacity().peers, wireguard::Pages::ordinary},
      prefixes_max_{tables_->capacity().prefixes} {
    for (std::size_t position = 0; position < start.tunnel_count; ++position) {
        allowed_ips_.push_back(std::make_unique<wireguard::AllowedIps>(
            prefixes_max_, tables_->capacity().peers, quiescence));
    }
}

std::array<const wireguard::AllowedIps*, kInterfacesMax> Tunnels::allowed_ips() const {
    std::array<const wireguard::AllowedIps*, kInterfacesMax> by_id{};
    for (std::size_t position = 0; position < allowed_ips_.size(); ++position) {
        by_id[first_id_ + position] = allowed_ips_[position].get();
    }
    return by_id;
}

// The most that the tables hold meanwhile: what they have, and what nobody has yet. What moves
// needs no room, what goes is taken only afterwards. A whole transaction takes at first what it
// does not name.
Outcome<void> Tunnels::check_room(const server::PeersTransaction& transaction) const {
    std::size_t prefixes = 0;
    for (const auto& table : allowed_ips_) {
        prefixes += transaction.is_whole ? 0 : table->size();
    }
    for (const server::PeerChange& change : transaction.changes) {
        if (change.set.is_removed != 0) {
            continue;
        }
        const wireguard::AllowedIps& table = *allowed_ips_[change.set.tunnel - first_id_];
        if (transaction.is_whole) {
            table.for_each(change.set.peer, [&prefixes](const IpPrefix&) { ++prefixes; });
        }
        prefixes += static_cast<std::size_t>(std::count_if(
            change.allowed_ips.begin(), change.allowed_ips.end(), [&](const IpPrefix& prefix) {
                const wireguard::PeerId owner = table.owner_of(prefix);
                return transaction.is_whole ? owner != change.set.peer
                                            : owner == wireguard::kNoPeer;
            }));
    }
    if (prefixes > prefixes_max_) {
        return fail(ExitCode::refused, "there is room for " + std::to_string(prefixes_max_) +
                                           " allowed IPs, and this makes up to " +
                                           std::to_string(prefixes) + ": restart needed");
    }
    return {};
}

Outcome<contract::PeersApplied> Tunnels::apply_peers(const server::PeersTransaction& transaction) {
    if (auto possible = check_room(transaction); !possible) {
        return tl::unexpected{possible.error()};
    }
    if (transaction.is_whole) {
        forget_unstated(transaction);
    }
    for (const server::PeerChange& change : transaction.changes) {
        Known& known = known_[change.set.peer];
        const bool is_another = known.exists && (known.public_key != change.set.public_key ||
                                                 known.tunnel != change.set.tunnel);
        if (change.set.is_removed != 0 || is_another) {
            forget(change.set.peer);
        }
        if (change.set.is_removed == 0) {
            configure(change.set);
        }
    }
    // All that is given before anything is taken: a prefix that moves always has an owner.
    for (const server::PeerChange& change : transaction.changes) {
        for (const IpPrefix& prefix : change.allowed_ips) {
            if (change.set.is_removed == 0 &&
                !allowed_ips_of(change.set.tunnel).insert(prefix, change.set.peer)) {
                return fail(ExitCode::failed,
                            "no room for the allowed IPs of " + named(change.set.peer));
            }
        }
    }
    for (const server::PeerChange& change : transaction.changes) {
        if (change.set.is_removed == 0) {
            drop_prefixes_besides(change);
        }
    }
    contract::PeersApplied applied;
    for (std::size_t peer = 0; peer < known_.size(); ++peer) {
        applied.peers += known_[peer].exists ? 1 : 0;
    }
    for (const auto& table : allowed_ips_) {
        applied.prefixes += table->size();
    }
    return applied;
}

void Tunnels::forget_unstated(const server::PeersTransaction& transaction) {
    std::vector<bool> is_stated(known_.size());
    for (const server::PeerChange& change : transaction.changes) {
        is_stated[change.set.peer] = true;
    }
    for (std::size_t peer = 0; peer < known_.size(); ++peer) {
        if (known_[peer].exists && !is_stated[peer]) {
            forget(static_cast<wireguard::PeerId>(peer));
        }
    }
}

void Tunnels::forget(wireguard::PeerId peer) {
    if (!known_[peer].exists) {
        return;
    }
    allowed_ips_of(known_[peer].tunnel).remove_all(peer);
    tables_->remove_peer(peer);
    wireguard::Injection abandon;
    abandon.kind = wireguard::InjectionKind::abandon;
    abandon.peer = peer;
    inject(tables_->peers().home_of(peer), abandon);
    known_[peer] = {};
}

void Tunnels::configure(const contract::PeerSet& set) {
    tables_->configure_peer(set.peer, {InterfaceId{set.tunnel}, set.persistent_keepalive_s});
    Known& known = known_[set.peer];
    known.exists = true;
    known.public_key = set.public_key;
    known.tunnel = set.tunnel;
    const IpEndpoint endpoint = set.endpoint.endpoint();
    if (!endpoint.is_none()) {
        tables_->apply_configured_endpoint(set.peer, endpoint, set.endpoint_generation,
                                           workers_.now());
    }
}

void Tunnels::drop_prefixes_besides(const server::PeerChange& change) {
    wireguard::AllowedIps& table = allowed_ips_of(change.set.tunnel);
    std::vector<IpPrefix> wanted = change.allowed_ips;
    std::sort(wanted.begin(), wanted.end());
    std::vector<IpPrefix> surplus;
    table.for_each(change.set.peer, [&](const IpPrefix& prefix) {
        if (!std::binary_search(wanted.begin(), wanted.end(), prefix)) {
            surplus.push_back(prefix);
        }
    });
    for (const IpPrefix& prefix : surplus) {
        table.remove(prefix, change.set.peer);
    }
}

void Tunnels::inject(WorkerId worker, const wireguard::Injection& injection) {
    // A worker that is so far behind has lost handshakes already; both sides try again.
    static_cast<void>(tables_->injections(worker).push({&injection, 1}));
    workers_.wake(worker);
}

wireguard::Injection Tunnels::injection_of(const contract::SessionInstall& session) const {
    wireguard::Injection injection;
    injection.peer = session.peer;
    if (session.is_initiator != 0) {
        injection.kind = wireguard::InjectionKind::flush;
        return injection;
    }
    constexpr std::uint8_t kExpedited = 0x88;  // AF41 (wireguard.md 2.5)
    injection.kind = wireguard::InjectionKind::send_to_peer;
    injection.tunnel = InterfaceId{known_[session.peer].tunnel};
    injection.dscp_and_ecn = kExpedited;
    injection.length_bytes = session.packet_length;
    injection.bytes = session.packet;
    return injection;
}

Outcome<void> Tunnels::install_session(const contract::SessionInstall& session) {
    if (session.peer >= known_.size() || !known_[session.peer].exists) {
        return fail(ExitCode::failed, named(session.peer) + " is not known");
    }
    if (session.worker >= tables_->capacity().workers) {
        return fail(ExitCode::failed, "there is no worker " + std::to_string(session.worker));
    }
    const Now now = workers_.now();
    const wireguard::InstallResult result =
        tables_->install({.index = session.index,
                          .remote_index = session.remote_index,
                          .peer = session.peer,
                          .owner = session.worker,
                          .is_initiator = session.is_initiator != 0,
                          .birth = now,
                          .send_key = session.send_key,
                          .receive_key = session.receive_key});
    if (result != wireguard::InstallResult::installed) {
        return fail(ExitCode::failed, "the index of a session of " + named(session.peer) +
                                          " is in use or beyond the capacity");
    }
    if (session.timestamp != contract::TimestampField{}) {
        known_[session.peer].timestamp = session.timestamp;
    }
    // The message that made the session was authentic: it counts, and tells where the peer is.
    if (const IpEndpoint remote = session.remote.endpoint(); !remote.is_none()) {
        const Now received_at{Duration{static_cast<Duration::rep>(session.received_at_ns)}};
        tables_->offer_endpoint(session.peer, remote, session.local.address(), received_at);
    }
    wireguard::Peer& peer = tables_->peers()[session.peer];
    peer.received_bytes.fetch_add(session.is_initiator != 0 ? kResponse_bytes : kInitiation_bytes,
                                  std::memory_order_relaxed);
    peer.received_at.set(now);
    peer.unanswered_since.clear();
    inject(session.is_initiator != 0 ? tables_->peers().home_of(session.peer) : session.worker,
           injection_of(session));
    return {};
}

void Tunnels::end_sessions(const contract::SessionsEnd& end) {
    if (end.peer >= known_.size() || !known_[end.peer].exists) {
        return;
    }
    switch (end.end) {
        case contract::SessionEnd::stop_sending:
            tables_->stop_sending(end.peer);
            return;
        case contract::SessionEnd::erase:
            tables_->end_sessions(end.peer);
            return;
        case contract::SessionEnd::drop_staged: {
            wireguard::Injection abandon;
            abandon.kind = wireguard::InjectionKind::abandon;
            abandon.peer = end.peer;
            inject(tables_->peers().home_of(end.peer), abandon);
            return;
        }
        case contract::SessionEnd::count:
            return;
    }
}

void Tunnels::send_handshake(const contract::HandshakeSend& handshake) {
    wireguard::Injection injection;
    injection.tunnel = InterfaceId{handshake.tunnel};
    injection.dscp_and_ecn = handshake.dscp_and_ecn;
    injection.length_bytes = handshake.length;
    injection.bytes = handshake.packet;
    if (handshake.peer == contract::kNoPeer) {
        injection.kind = wireguard::InjectionKind::send_to_endpoint;
        injection.to = handshake.to.endpoint();
        injection.from = handshake.from.address.address();
        inject(0, injection);
        return;
    }
    if (handshake.peer >= known_.size() || !known_[handshake.peer].exists) {
        return;
    }
    if (handshake.forgets_local != 0) {
        tables_->forget_source(handshake.peer);
    }
    injection.kind = wireguard::InjectionKind::send_to_peer;
    injection.peer = handshake.peer;
    inject(tables_->peers().home_of(handshake.peer), injection);
}

std::size_t Tunnels::drain_handshakes(std::span<contract::HandshakeRow> rows) {
    bell_.answer();
    std::size_t taken = 0;
    for (std::size_t worker = 0; worker < tables_->capacity().workers; ++worker) {
        wireguard::ReceivedHandshake received;
        while (taken < rows.size() &&
               tables_->handshakes(static_cast<WorkerId>(worker)).pop({&received, 1}) == 1) {
            rows[taken++] = engine::row_of(received);
        }
    }
    return taken;
}

std::size_t Tunnels::handshakes_waiting() const {
    std::size_t waiting = 0;
    for (std::size_t worker = 0; worker < tables_->capacity().workers; ++worker) {
        waiting += tables_->handshakes(static_cast<WorkerId>(worker)).size();
    }
    return waiting;
}

std::size_t Tunnels::drain_tunnel_events(std::span<contract::TunnelEventRow> rows) {
    bell_.answer();
    std::size_t taken = 0;
    for (std::size_t worker = 0; worker < tables_->capacity().workers; ++worker) {
        wireguard::TunnelEvent event;
        while (taken < rows.size() &&
               tables_->events(static_cast<WorkerId>(worker)).pop({&event, 1}) == 1) {
            if (event.kind == wireguard::TunnelEventKind::session_ended) {
                tables_->retire(event.index);  // control hears when its keys are wiped
                continue;
            }
            rows[taken++] = {event.peer, event.index, kind_of(event.kind), {}};
        }
    }
    std::array<std::uint32_t, 64> freed;
    const std::size_t room = std::min(freed.size(), rows.size() - taken);
    const std::size_t count = tables_->collect(std::span{freed}.first(room));
    for (const std::uint32_t index : std::span{freed}.first(count)) {
        rows[taken++] = {contract::kNoPeer, index, TunnelEventKind::session_ended, {}};
    }
    return taken;
}

}  // namespace towpath::engine
