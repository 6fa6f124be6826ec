// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/waiting.h"

namespace towpath::wireguard {
namespace {

// Puts the oldest packet of the peer into `lane`. False: the batch is full or nothing waits.
bool admit_oldest(State& state, Batch& batch, PeerId peer, Lane lane, DropReason verdict) noexcept {
    if (batch.room() == 0) {
        return false;
    }
    std::optional<Packet> packet = state.staging.pop(peer);
    if (!packet) {
        return false;
    }
    packet->verdict = verdict;
    static_cast<void>(batch.admit(*packet, lane));
    state.released.add();
    return true;
}

}  // namespace

Session* usable_session(State& state, const Peer& peer, Now now) noexcept {
    const std::uint32_t slot = peer.slots.load().current();
    if (slot == PeerSlots::kNone) {
        return nullptr;
    }
    Session& session = state.tables.sessions()[slot];
    const bool is_usable =
        session.may_send.load(std::memory_order_relaxed) && now < session.send_until() &&
        session.next_counter.load(std::memory_order_relaxed) < kRejectAfterMessages;
    return is_usable ? &session : nullptr;
}

void wait_for_session(State& state, Batch& batch, PacketIndex index, PeerId peer,
                      Now now) noexcept {
    const WorkerId home = state.tables.peers().home_of(peer);
    if (home != state.worker) {
        batch.hand_off(index, home, Lane::seal);
        return;
    }
    state.ask_for_handshake(peer, now);
    const bool is_replacing = state.tables.peers().waiting(peer).staged.count >= kStagedPerPeerMax;
    if (is_replacing &&
        !admit_oldest(state, batch, peer, Lane::drop, DropReason::staging_replaced)) {
        batch.drop(index, DropReason::staging_full);
        return;
    }
    if (state.staging.is_full()) {
        batch.drop(index, DropReason::staging_full);
        return;
    }
    state.staging.push(peer, batch[index]);
    batch.put(index, Lane::hold);
}

void release_waiting(State& state, Batch& batch, PeerId peer, std::size_t room_kept) noexcept {
    while (batch.room() > room_kept &&
           admit_oldest(state, batch, peer, Lane::seal, DropReason::none)) {
    }
}

void abandon_waiting(State& state, Batch& batch, PeerId peer, std::size_t room_kept) noexcept {
    while (batch.room() > room_kept &&
           admit_oldest(state, batch, peer, Lane::drop, DropReason::staging_abandoned)) {
    }
}

void end_session(State& state, std::uint32_t slot, Now now) noexcept {
    Session& session = state.tables.sessions()[slot];
    const PeerId peer = session.peer;
    const std::uint32_t index = session.index();
    session.may_send.store(false, std::memory_order_relaxed);
    session.has_ended.store(true, std::memory_order_relaxed);
    state.post(TunnelEventKind::session_ended, peer, index, now);
}

}  // namespace towpath::wireguard
