// SPDX-License-Identifier: BSD-3-Clause
// When handshakes begin, are tried again and are given up (wireguard.md section 15).
#include "control/wireguard/device.h"

#include <algorithm>

namespace towpath::control::wireguard {

Device::Device(Shared shared) : shared_{shared}, cookies_{shared.random} {}

Peer* Device::find(PeerId id) {
    const auto found = peers_.find(id);
    return found == peers_.end() ? nullptr : &found->second;
}

Duration Device::jitter() {
    return Duration{static_cast<std::int64_t>(shared_.random.number() %
                                              static_cast<std::uint64_t>(kJitter_max.count() + 1))};
}

void Device::schedule(Peer& peer) {
    PerhapsNow next = peer.retransmit_at;
    if (peer.erase_at && (!next || *peer.erase_at < *next)) {
        next = peer.erase_at;
    }
    if (next == peer.scheduled) {
        return;
    }
    if (peer.scheduled) {
        agenda_.erase({*peer.scheduled, peer.settings.id});
    }
    if (next) {
        agenda_.emplace(*next, peer.settings.id);
    }
    peer.scheduled = next;
}

std::optional<Now> Device::next_wake() const noexcept {
    return agenda_.empty() ? std::nullopt : std::optional{agenda_.begin()->first};
}

bool Device::can_begin(Peer& peer) {
    return is_up_ && identity_ && peer.remote && peer.has_endpoint;
}

void Device::request(Peer& peer, bool is_retry, bool forgets_local_address, const Moment& moment,
                     ActionList& out) {
    if (!is_retry) {
        peer.attempts = 0;
    }
    if (!can_begin(peer)) {
        peer.is_wanted = true;
        if (is_up_ && !peer.has_endpoint && !peer.settings.endpoint.name.empty()) {
            ask_for_address(peer, moment, out);
            peer.retransmit_at = moment.now + std::max(peer.settings.re_resolve, kRekeyTimeout);
        }
    } else if (peer.last_sent && moment.now - *peer.last_sent < kRekeyTimeout) {
        // For the remainder (wireguard.md 4.6): whoever asked may not ask again.
        peer.is_wanted = peer.is_wanted || !is_retry;
        if (!peer.retransmit_at) {
            peer.retransmit_at = *peer.last_sent + kRekeyTimeout + jitter();
        }
    } else {
        send_initiation(peer, forgets_local_address, moment, out);
    }
    schedule(peer);
}

void Device::send_initiation(Peer& peer, bool forgets_local_address, const Moment& moment,
                             ActionList& out) {
    drop_pending(peer);
    peer.is_wanted = false;
    peer.retransmit_at = moment.now + kRekeyTimeout + jitter();
    const auto index = shared_.indices.allocate();
    if (!index) {
        peer.trouble = PeerStatus::no_session_slot;
        tell_trouble(peer, peer.trouble);
        counters_.add(HandshakeRole::initiator, HandshakeResult::no_session_slot);
        return;
    }
    const Timestamp timestamp = peer.sent_timestamps.stamp(shared_.sent_floor.stamp(
        Timestamp::from_unix(moment.unix_time.seconds, moment.unix_time.nanoseconds)));
    auto made = initiate(*identity_, *peer.remote, shared_.random.secret<32>(), timestamp, *index);
    if (!made) {
        shared_.indices.free(*index);
        peer.retransmit_at.reset();
        return;
    }
    shared_.sent_floor.note(timestamp);
    authenticate(made->message, peer.remote->keys(), peer.cookie.usable(moment.now));
    peer.cookie.on_sent(made->message.mac1);
    peer.pending = std::make_unique<PendingInitiation>(std::move(made->pending));
    owner_of_index_[*index] = {peer.settings.id};
    peer.last_sent = moment.now;
    if (peer.unanswered >= kFruitless_min) {
        const PeerStatus status = trouble_of(peer, moment.now);
        tell_trouble(peer, status == PeerStatus::idle ? PeerStatus::no_answer : status);
    }
    if (peer.unanswered++ == 0) {
        peer.unanswered_since = moment.now;
    }
    counters_.add(HandshakeRole::initiator, HandshakeResult::sent);
    append(out, SendHandshake{peer.settings.id, HandshakePacket{made->message},
                              kHandshakeTrafficClass, forgets_local_address});
}

void Device::drop_pending(Peer& peer) {
    if (peer.pending) {
        owner_of_index_.erase(peer.pending->sender_index);
        shared_.indices.free(peer.pending->sender_index);
        peer.pending.reset();
    }
}

void Device::on_retransmit(Peer& peer, const Moment& moment, ActionList& out) {
    peer.retransmit_at.reset();
    if (peer.is_wanted) {
        request(peer, false, false, moment, out);
        return;
    }
    if (!can_begin(peer)) {
        return;
    }
    if (peer.last_sent && moment.now - *peer.last_sent < kRekeyTimeout) {
        // A response went out meanwhile. Not before its time, and not at the same moment as the
        // other side, which waits for the same reason.
        peer.retransmit_at = *peer.last_sent + kRekeyTimeout + jitter();
        return;
    }
    if (peer.attempts > kRetries_max) {
        counters_.add(HandshakeRole::initiator, HandshakeResult::gave_up);
        if (peer.trouble == PeerStatus::idle) {
            peer.trouble = PeerStatus::no_answer;
        }
        if (!peer.erase_at) {
            peer.erase_at = moment.now + kSessionErase;
        }
        append(out, DropStaged{peer.settings.id});
        return;
    }
    ++peer.attempts;
    ask_for_address(peer, moment, out);
    send_initiation(peer, true, moment, out);
}

void Device::ask_for_address(Peer& peer, const Moment& moment, ActionList& out) {
    const ConfiguredEndpoint& endpoint = peer.settings.endpoint;
    const bool is_recent =
        peer.resolve_asked_at && moment.now - *peer.resolve_asked_at < peer.settings.re_resolve;
    if (endpoint.name.empty() || is_recent) {
        return;
    }
    peer.resolve_asked_at = moment.now;
    append(out, Resolve{peer.settings.id, endpoint.name, endpoint.port});
}

void Device::wake(const Moment& moment, ActionList& out) {
    while (!agenda_.empty() && agenda_.begin()->first <= moment.now) {
        Peer& peer = peers_.at(agenda_.begin()->second);
        if (peer.erase_at && *peer.erase_at <= moment.now) {
            peer.erase_at.reset();
            drop_pending(peer);
            append(out, EndSessions{peer.settings.id, EndSessions::How::erase});
        }
        if (peer.retransmit_at && *peer.retransmit_at <= moment.now) {
            on_retransmit(peer, moment, out);
        }
        schedule(peer);
    }
}

void Device::on_handshake_wanted(PeerId id, const Moment& moment, ActionList& out) {
    // What was asked for before a handshake was complete may arrive just after it.
    constexpr Duration kStale = std::chrono::seconds{1};
    Peer* const peer = find(id);
    if (peer != nullptr && !(peer->completed_at && moment.now - *peer->completed_at < kStale)) {
        request(*peer, false, false, moment, out);
    }
}

void Device::on_no_answer(PeerId id, const Moment& moment, ActionList& out) {
    if (Peer* const peer = find(id)) {
        request(*peer, false, true, moment, out);
    }
}

bool Device::rekey(PeerId id, const Moment& moment, ActionList& out) {
    Peer* const peer = find(id);
    if (peer != nullptr) {
        request(*peer, false, false, moment, out);
    }
    return peer != nullptr && can_begin(*peer);
}

void Device::on_completed(Peer& peer, HandshakeRole role, const Moment& moment) {
    counters_.add(role, HandshakeResult::completed);
    tell_up(peer, role, moment);
    peer.retransmit_at.reset();
    peer.attempts = 0;
    peer.is_wanted = false;
    forget_trouble(peer);
    peer.completed_at = moment.now;
    peer.completed_at_unix = moment.unix_time;
    schedule(peer);
}

void Device::on_bad_mac1(PeerId id, const Moment& moment) {
    Peer* const peer = find(id);
    if (peer == nullptr ||
        (peer->trouble != PeerStatus::idle && peer->trouble != PeerStatus::no_answer)) {
        return;
    }
    peer->trouble = PeerStatus::bad_mac1;
    if (!peer->completed_at || moment.now - *peer->completed_at >= kSessionAge_max) {
        tell_trouble(*peer, PeerStatus::bad_mac1);
    }
}

void Device::on_session_confirmed(PeerId id, std::uint32_t index, const Moment& moment) {
    const auto owner = owner_of_index_.find(index);
    Peer* const peer = find(id);
    if (peer != nullptr && owner != owner_of_index_.end() && owner->second.peer == id &&
        owner->second.is_session) {
        on_completed(*peer, HandshakeRole::responder, moment);
    }
}

void Device::add_session(Peer& peer, std::uint32_t index, const Moment& moment) {
    owner_of_index_[index] = {peer.settings.id, true, peer.newest_session};
    peer.newest_session = index;
    ++peer.session_count;
    peer.erase_at = moment.now + kSessionErase;
    schedule(peer);
}

void Device::forget_session(Peer& peer, std::uint32_t index) {
    const auto gone = owner_of_index_.find(index);
    std::uint32_t* link = &peer.newest_session;
    while (*link != index) {
        link = &owner_of_index_.at(*link).older_session;
    }
    *link = gone->second.older_session;
    --peer.session_count;
    owner_of_index_.erase(gone);
}

void Device::on_index_free(std::uint32_t index) {
    const auto owner = owner_of_index_.find(index);
    if (owner != owner_of_index_.end() && !owner->second.is_session) {
        return;  // an initiation under way, which no data plane knows
    }
    if (owner != owner_of_index_.end()) {
        forget_session(peers_.at(owner->second.peer), index);
    }
    shared_.indices.free(index);
}

void Device::on_session_refused(std::uint32_t index, const Moment& moment) {
    const auto owner = owner_of_index_.find(index);
    if (owner == owner_of_index_.end() || !owner->second.is_session) {
        return;
    }
    Peer& peer = peers_.at(owner->second.peer);
    forget_session(peer, index);
    shared_.indices.free(index);
    counters_.add(HandshakeRole::initiator, HandshakeResult::refused);
    peer.completed_at.reset();
    peer.trouble = PeerStatus::no_session_slot;
    peer.said = peer.trouble;  // by the caller, who knows why
    peer.retransmit_at = moment.now + kRekeyTimeout + jitter();
    schedule(peer);
}

void Device::forget_trouble(Peer& peer) {
    peer.trouble = PeerStatus::idle;
    peer.unanswered = 0;
    peer.unanswered_since.reset();
    peer.unconfirmed = 0;
    peer.said = peer.said == PeerStatus::up ? PeerStatus::up : PeerStatus::idle;
}

void Device::tell_trouble(Peer& peer, PeerStatus status) {
    if (std::exchange(peer.said, status) != status) {
        News news;
        news.kind = News::Kind::trouble;
        news.peer = peer.settings.id;
        news.status = status;
        news_.push_back(news);
    }
}

void Device::tell_up(Peer& peer, HandshakeRole role, const Moment& moment) {
    News news;
    if (peer.completed_at) {
        news.away = moment.now - *peer.completed_at;
    }
    const bool was_up = news.away && *news.away < kSessionAge_max;
    if (std::exchange(peer.said, PeerStatus::up) != PeerStatus::up || !was_up) {
        news.peer = peer.settings.id;
        news.status = PeerStatus::up;
        news.role = role;
        news.source = peer.heard_from;
        news_.push_back(news);
    }
    // Whoever called from there with a wrong key has the right one now.
    std::erase_if(strangers_, [&peer](const Stranger& stranger) {
        return stranger.source.address == peer.heard_from.address;
    });
}

PeerStatus Device::trouble_of(const Peer& peer, Now now) {
    const bool is_vague = peer.trouble == PeerStatus::idle || peer.trouble == PeerStatus::no_answer;
    const bool is_unconfirmed =
        peer.unconfirmed > kFruitless_min ||
        (peer.unconfirmed == kFruitless_min && now - *peer.last_consumed >= kConfirmation_max);
    return is_vague && is_unconfirmed ? PeerStatus::not_confirmed : peer.trouble;
}

std::optional<PeerReport> Device::report(PeerId id, Now now) const {
    const auto found = peers_.find(id);
    if (found == peers_.end()) {
        return std::nullopt;
    }
    const Peer& peer = found->second;
    PeerReport report;
    report.status = trouble_of(peer, now);
    report.initiations = peer.pending ? peer.attempts + 1 : 0;
    report.completed_at = peer.completed_at_unix;
    report.greatest_received = peer.greatest_received;
    if (peer.completed_at) {
        report.completed_ago = now - *peer.completed_at;
    }
    if (peer.unanswered_since) {
        report.unanswered = now - *peer.unanswered_since;
    }
    if (!identity_) {
        report.status = PeerStatus::no_identity;
    } else if (!peer.remote) {
        report.status = PeerStatus::unusable_key;
    } else if (peer.completed_at && now - *peer.completed_at < kSessionAge_max) {
        // The newest try may still be answered.
        const bool is_silent =
            report.status == PeerStatus::idle && peer.unanswered > kFruitless_min;
        report.doubt = is_silent ? PeerStatus::no_answer : report.status;
        report.status = PeerStatus::up;
    } else if (!peer.has_endpoint && report.status == PeerStatus::idle) {
        report.status = peer.settings.endpoint.name.empty() ? PeerStatus::no_endpoint
                                                            : PeerStatus::name_not_resolved;
    } else if (report.status == PeerStatus::idle && peer.pending && peer.retransmit_at) {
        report.status = PeerStatus::waiting;
    }
    return report;
}

std::optional<PeerId> Device::find_peer(const crypto::PublicKey& key) const {
    const auto found = peer_of_key_.find(key);
    return found == peer_of_key_.end() ? std::nullopt : std::optional{found->second};
}

}  // namespace towpath::control::wireguard
