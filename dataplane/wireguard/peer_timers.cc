// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/peer_timers.h"

#include <algorithm>

#include "dataplane/wireguard/path_mtu.h"
#include "dataplane/wireguard/waiting.h"

namespace towpath::wireguard {
namespace {

// Another one for every peer, so that peers that fell silent together do not all call at once.
Duration jitter_of(PeerId peer) noexcept {
    const std::uint64_t mixed = (peer + 1) * 0x9E3779B97F4A7C15U >> 40U;
    return Duration{static_cast<Duration::rep>(mixed) % kJitterMax.count()};
}

}  // namespace

bool PeerTimers::visit(PeerId id) noexcept {
    Peer& peer = state_.tables.peers()[id];
    if (!peer.is_in_use() || !(*state_.interfaces)[peer.tunnel()].is_up) {
        return true;
    }
    end_expired(peer);
    if (peer.has(Peer::kPathMtuTold)) {
        forget_old_path_mtu(peer, now_);
    }
    report_no_answer(id, peer);
    return !is_keepalive_due(peer) || send_keepalive(id, peer);
}

void PeerTimers::finish() noexcept {
    sealing_.finish();
    for (std::size_t position = 0; position < again_count_; ++position) {
        state_.tables.peers()[again_[position]].unacknowledged_since.set(now_);
    }
    again_count_ = 0;
}

void PeerTimers::end_expired(Peer& peer) noexcept {
    for (const std::uint32_t slot : peer.slots.load().all()) {
        if (slot == PeerSlots::kNone || now_ < state_.tables.sessions()[slot].send_until()) {
            continue;
        }
        const PeerSlots before =
            peer.slots.change([slot](PeerSlots slots) { return slots.without(slot); });
        if (before.contains(slot)) {
            end_session(state_, slot, now_);
        }
    }
}

void PeerTimers::report_no_answer(PeerId id, Peer& peer) noexcept {
    const Stamp& since = peer.unanswered_since;
    if (since.is_set() && now_ - since.at() >= kNoAnswerTimeout + jitter_of(id) &&
        state_.post(TunnelEventKind::no_answer, id, 0, now_)) {
        peer.unanswered_since.clear();
    }
}

bool PeerTimers::is_keepalive_due(const Peer& peer) const noexcept {
    if (peer.has(Peer::kKeepaliveDue)) {
        return true;
    }
    const UnacknowledgedStamp& passive = peer.unacknowledged_since;
    if (passive.is_set() && now_ - passive.at() >= kKeepaliveTimeout) {
        return true;
    }
    const Duration interval = peer.keepalive_interval();
    return interval != Duration{} &&
           now_ - std::max(peer.sent_at.at(), peer.received_at.at()) >= interval;
}

bool PeerTimers::send_keepalive(PeerId id, Peer& peer) noexcept {
    if (!peer.endpoint.read().is_known()) {
        return true;  // nobody to send to, and no use in asking for a handshake
    }
    const bool begins_anew = peer.unacknowledged_since.has_more();
    if (usable_session(state_, peer, now_) == nullptr) {
        peer.clear(Peer::kKeepaliveDue);
        peer.unacknowledged_since.clear();
        state_.ask_for_handshake(id, now_);
        return true;
    }
    const std::optional<PacketIndex> index =
        sealing_.is_full() || again_count_ == again_.size() ? std::nullopt : batch_.originate();
    if (!index) {
        return false;
    }
    peer.clear(Peer::kKeepaliveDue);
    batch_[*index].l3 = 0;
    sealing_.add(*index, id);
    state_.counters.keepalives_sent.add();
    if (begins_anew) {
        again_[again_count_++] = id;
    }
    return true;
}

}  // namespace towpath::wireguard
