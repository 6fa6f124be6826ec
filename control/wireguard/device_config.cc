// SPDX-License-Identifier: BSD-3-Clause
// What configuration does to identity and peers (wireguard.md section 16), and what a control
// process takes over from a data plane that was there before it (decisions.md W1, W20).
#include <algorithm>

#include "control/wireguard/device.h"
#include "dataplane/crypto/hash.h"

namespace towpath::control::wireguard {
namespace {

bool is_zero(const crypto::PrivateKey& key) noexcept {
    const auto bytes = key.bytes();
    return std::all_of(bytes.begin(), bytes.end(),
                       [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

void Device::set_identity(std::optional<crypto::PrivateKey> key, const Moment& moment,
                          ActionList& out) {
    std::optional<Identity> identity;
    if (key && !is_zero(*key)) {
        identity.emplace(std::move(*key));
    }
    const bool is_same = identity_.has_value() == identity.has_value() &&
                         (!identity || identity->public_key() == identity_->public_key());
    if (is_same) {
        return;
    }
    const bool is_first = !identity_.has_value();
    identity_.reset();
    if (identity) {
        identity_.emplace(std::move(*identity));
        if (const auto own = find_peer(identity_->public_key())) {
            append(out, Note{"a peer with the tunnel's own key was removed"});
            remove_peer(*own, out);
        }
    }
    for (auto& [id, peer] : peers_) {
        drop_pending(peer);
        make_remote(peer);
        peer.last_sent.reset();
        peer.completed_at.reset();
        forget_trouble(peer);
        if (peer.session_count != 0) {
            append(out, EndSessions{id, EndSessions::How::stop_sending});
        }
        if (is_first && peer.is_wanted) {
            request(peer, false, false, moment, out);
        }
    }
}

void Device::make_remote(Peer& peer) {
    peer.remote.reset();
    if (identity_) {
        auto remote = Remote::create(*identity_, peer.settings.public_key,
                                     PresharedKey{peer.settings.preshared_key.bytes()});
        if (remote) {
            peer.remote.emplace(std::move(*remote));
        }
    }
}

bool Device::set_peer(PeerSettings settings, const Moment& moment, ActionList& out) {
    const PeerId id = settings.id;
    if (identity_ && settings.public_key == identity_->public_key()) {
        append(out, Note{"a peer with the tunnel's own key is ignored"});
        return false;
    }
    const auto other = find_peer(settings.public_key);
    if (other && *other != id) {
        return false;
    }
    Peer* peer = find(id);
    if (peer != nullptr && peer->settings.public_key != settings.public_key) {
        remove_peer(id, out);
        peer = nullptr;
    }
    const bool is_new = peer == nullptr;
    if (is_new) {
        peer = &peers_[id];
        peer_of_key_[settings.public_key] = id;
    }
    const bool is_other_key = is_new || !crypto::is_equal(peer->settings.preshared_key.bytes(),
                                                          settings.preshared_key.bytes());
    const bool is_other_endpoint = is_new || peer->settings.endpoint != settings.endpoint;
    peer->settings = std::move(settings);
    if (is_other_key) {
        make_remote(*peer);
        forget_trouble(*peer);  // what was wrong was so with the key before
    }
    if (is_other_endpoint) {
        forget_trouble(*peer);
        peer->resolved = {};
        peer->resolve_asked_at.reset();
        ask_for_address(*peer, moment, out);
        apply_endpoint(*peer, moment, out);
    }
    return true;
}

void Device::apply_endpoint(Peer& peer, const Moment& moment, ActionList& out) {
    if (auto set = endpoint(peer.settings.id)) {
        peer.has_endpoint = true;
        append(out, *set);
        if (peer.is_wanted) {
            request(peer, false, false, moment, out);
        }
    }
}

std::optional<SetEndpoint> Device::endpoint(PeerId id) const {
    const auto found = peers_.find(id);
    if (found == peers_.end()) {
        return std::nullopt;
    }
    const Peer& peer = found->second;
    const IpEndpoint& known =
        peer.settings.endpoint.name.empty() ? peer.settings.endpoint.address : peer.resolved;
    return known.is_none() ? std::nullopt
                           : std::optional{SetEndpoint{id, known, endpoint_generation(known)}};
}

void Device::on_resolved(PeerId id, const IpEndpoint& endpoint, const Moment& moment,
                         ActionList& out) {
    Peer* const peer = find(id);
    const bool is_named = peer != nullptr && !peer->settings.endpoint.name.empty();
    if (is_named && std::exchange(peer->is_name_lost, endpoint.is_none()) != endpoint.is_none()) {
        News news;
        news.kind = endpoint.is_none() ? News::Kind::name_lost : News::Kind::name_found;
        news.peer = id;
        news.source = endpoint;
        news_.push_back(news);
    }
    const bool is_news = is_named && !endpoint.is_none() && peer->resolved != endpoint;
    if (is_news) {
        peer->resolved = endpoint;
        apply_endpoint(*peer, moment, out);
    }
}

void Device::end(Peer& peer, ActionList& out) {
    drop_pending(peer);
    peer.retransmit_at.reset();
    peer.erase_at.reset();
    schedule(peer);
    append(out, DropStaged{peer.settings.id});
    append(out, EndSessions{peer.settings.id, EndSessions::How::erase});
}

void Device::remove_peer(PeerId id, ActionList& out) {
    Peer* const peer = find(id);
    if (peer == nullptr) {
        return;
    }
    end(*peer, out);
    while (peer->session_count != 0) {
        forget_session(*peer, peer->newest_session);
    }
    peer_of_key_.erase(peer->settings.public_key);
    peers_.erase(id);
}

void Device::set_up(bool is_up, const Moment&, ActionList& out) {
    if (is_up_ && !is_up) {
        for (auto& [id, peer] : peers_) {
            end(peer, out);
            peer.attempts = 0;
            peer.is_wanted = false;
            peer.last_sent.reset();
            peer.completed_at.reset();
            forget_trouble(peer);
        }
    }
    is_up_ = is_up;
}

void Device::forget_timestamp(PeerId id) {
    Peer* const peer = find(id);
    if (peer == nullptr) {
        return;
    }
    peer->greatest_received = {};
    if (peer->trouble == PeerStatus::stale_timestamp) {
        peer->trouble = PeerStatus::idle;
    }
}

bool Device::adopt_session(const AdoptedSession& session) {
    Peer* const peer = find(session.peer);
    if (peer == nullptr || !shared_.indices.adopt(session.index)) {
        return false;
    }
    add_session(*peer, session.index, {session.installed_at, {}});
    peer->completed_at =
        std::max(peer->completed_at.value_or(session.installed_at), session.installed_at);
    peer->has_endpoint = true;
    peer->said = PeerStatus::up;
    return true;
}

void Device::adopt_peer(PeerId id, const Timestamp& greatest_received, bool has_endpoint) {
    if (Peer* const peer = find(id)) {
        peer->greatest_received = std::max(peer->greatest_received, greatest_received);
        peer->has_endpoint = peer->has_endpoint || has_endpoint;
    }
}

void Device::on_new_data_plane(const Moment& moment,
                               const std::function<bool(PeerId)>& has_learned) {
    constexpr Duration kSpacing = std::chrono::microseconds{200};
    Now due = moment.now;
    owner_of_index_.clear();
    for (auto& [id, peer] : peers_) {
        peer.pending.reset();
        peer.newest_session = 0;
        peer.session_count = 0;
        peer.attempts = 0;
        forget_trouble(peer);
        peer.last_sent.reset();
        peer.completed_at.reset();
        peer.erase_at.reset();
        peer.retransmit_at.reset();
        // It knows none that a peer came from unless it was told.
        peer.has_endpoint = endpoint(id).has_value() || (has_learned && has_learned(id));
        if (can_begin(peer)) {
            peer.is_wanted = true;
            peer.retransmit_at = due;
            due += kSpacing;
        }
        schedule(peer);
    }
}

}  // namespace towpath::control::wireguard
