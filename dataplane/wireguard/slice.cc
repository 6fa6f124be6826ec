// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/slice.h"

#include <algorithm>

#include "dataplane/wireguard/outer_header.h"
#include "dataplane/wireguard/peer_timers.h"
#include "dataplane/wireguard/waiting.h"

namespace towpath::wireguard {
namespace {

// A full burst, and what later stages originate.
constexpr std::size_t kRoomKept = kBurstMax + 32;
constexpr std::uint32_t kWaitingLooks = 4;
constexpr std::uint32_t kTimerLooksMax = 4096;

// Whether the message went out. One that cannot is lost like any datagram: its sender tries again.
bool send(State& state, Batch& batch, const Injection& injection, const OuterPath& path) noexcept {
    if (!path.endpoint.remote.address.is_ipv4() && !path.endpoint.remote.address.is_ipv6()) {
        return false;
    }
    if (!(*state.tunnels)[path.tunnel].exists() || !(*state.interfaces)[path.tunnel].is_up) {
        return false;
    }
    const std::optional<PacketIndex> index = batch.originate();
    if (!index) {
        return false;
    }
    Packet& packet = batch[*index];
    const std::span message = std::span{injection.bytes}.first(injection.length_bytes);
    if (packet.tail_room() < message.size() || packet.head_room() < kOuterRoom_bytes) {
        batch.drop(*index, DropReason::seal_no_room);
        return false;
    }
    packet.length = injection.length_bytes;
    std::copy(message.begin(), message.end(), packet.bytes().begin());
    wrap(packet, path, injection.dscp_and_ecn, state.identification);
    batch.put(*index, Lane::underlay);
    return true;
}

void send_to_peer(State& state, Batch& batch, const Injection& injection, Now now) noexcept {
    Peer& peer = state.tables.peers()[injection.peer];
    const PeerEndpoint endpoint = peer.endpoint.read();
    const InterfaceId tunnel = peer.tunnel();
    if (!peer.is_in_use() ||
        !send(state, batch, injection, {tunnel, (*state.tunnels)[tunnel].listen_port, endpoint})) {
        return;
    }
    peer.sent_at.set(now);
    peer.unacknowledged_since.clear();
    peer.sent_bytes.fetch_add(injection.length_bytes, std::memory_order_relaxed);
}

void obey(State& state, Batch& batch, const Injection& injection, Now now) noexcept {
    StagedList* const staged = injection.peer < state.tables.peers().capacity()
                                   ? &state.tables.peers().waiting(injection.peer).staged
                                   : nullptr;
    switch (injection.kind) {
        case InjectionKind::send_to_endpoint:
            static_cast<void>(send(state, batch, injection,
                                   {injection.tunnel,
                                    (*state.tunnels)[injection.tunnel].listen_port,
                                    {.remote = injection.to, .local = injection.from}}));
            break;
        case InjectionKind::send_to_peer:
            if (staged != nullptr) {
                send_to_peer(state, batch, injection, now);
            }
            break;
        case InjectionKind::flush:
            if (staged != nullptr && staged->count != 0) {
                release_waiting(state, batch, injection.peer, kRoomKept);
            } else if (staged != nullptr) {
                state.tables.peers()[injection.peer].set(Peer::kKeepaliveDue);
                PeerTimers timers{state, batch, now};
                static_cast<void>(timers.visit(injection.peer));
                timers.finish();
            }
            break;
        case InjectionKind::abandon:
            if (staged != nullptr && staged->count != 0) {
                staged->is_abandoned = true;
                abandon_waiting(state, batch, injection.peer, kRoomKept);
            }
            break;
    }
}

// Injections wait in their ring while there is no buffer to send them in.
void obey_injections(State& state, Batch& batch, Now now) noexcept {
    InjectionRing& ring = state.tables.injections(state.worker);
    Injection injection;
    while (batch.room() > kRoomKept && batch.spare_count() != 0 && ring.pop({&injection, 1}) == 1) {
        obey(state, batch, injection, now);
    }
}

// Sessions come about by packets on any worker; here somebody notices who waits for one.
void look_at_waiting(State& state, Batch& batch, Now now) noexcept {
    const std::uint32_t looks = std::min(kWaitingLooks, state.staging.waiting_count());
    for (std::uint32_t look = 0; look < looks && state.staging.waiting_count() != 0; ++look) {
        state.waiting_cursor = (state.waiting_cursor + 1) % state.staging.waiting_count();
        const PeerId id = state.staging.waiting(state.waiting_cursor);
        const Peer& peer = state.tables.peers()[id];
        const PeerWaiting& waiting = state.tables.peers().waiting(id);
        if (!peer.is_in_use() || waiting.staged.is_abandoned) {
            abandon_waiting(state, batch, id, kRoomKept);
        } else if (usable_session(state, peer, now) != nullptr) {
            release_waiting(state, batch, id, kRoomKept);
        } else if (!waiting.asked_at.is_set()) {
            state.ask_for_handshake(id, now);
        }
    }
}

void look_at_timers(State& state, Batch& batch, Now now) noexcept {
    const PeerTable& peers = state.tables.peers();
    const std::uint32_t end = peers.used_end();
    const std::uint32_t at_home =
        end <= state.worker ? 0 : (end - state.worker - 1) / peers.workers() + 1;
    const Duration passed = std::min<Duration>(now - state.swept_at, kTimerRound);
    // A fifth faster than promised: slices do not come on time.
    const auto looks = static_cast<std::uint32_t>(
        std::min<Duration::rep>(passed * at_home * 6 / (kTimerRound * 5), kTimerLooksMax));
    if (looks == 0) {
        return;
    }
    state.swept_at = now;
    PeerTimers timers{state, batch, now};
    for (std::uint32_t look = 0; look < std::min(looks, at_home); ++look) {
        if (state.sweep_round >= at_home) {
            state.sweep_round = 0;
        }
        if (!timers.visit(state.sweep_round * peers.workers() + state.worker)) {
            break;
        }
        ++state.sweep_round;
    }
    timers.finish();
}

}  // namespace

void slice(State& state, Batch& batch, Now now) noexcept {
    obey_injections(state, batch, now);
    look_at_waiting(state, batch, now);
    look_at_timers(state, batch, now);
}

bool has_work(State& state) noexcept {
    return !state.tables.injections(state.worker).empty();
}

bool discard(State& state, Batch& batch) noexcept {
    while (state.staging.waiting_count() != 0 && batch.room() != 0) {
        abandon_waiting(state, batch, state.staging.waiting(0), 0);
    }
    return state.staging.waiting_count() != 0;
}

}  // namespace towpath::wireguard
