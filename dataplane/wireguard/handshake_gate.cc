// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/handshake_gate.h"

#include <algorithm>
#include <chrono>

#include "dataplane/crypto/hash.h"
#include "dataplane/wireguard/datagram.h"

namespace towpath::wireguard {
namespace {

// Of a worker, whoever it is about.
constexpr Duration kBadMac1Spacing = std::chrono::milliseconds{100};

// Both macs end the message; mac1 covers what is before it.
bool has_valid_mac1(const Tunnel& tunnel, std::span<const std::byte> payload) noexcept {
    const std::size_t covered_bytes = payload.size() - 2 * kMacLength_bytes;
    const crypto::Mac expected = crypto::keyed_mac(tunnel.mac1_key, {payload.first(covered_bytes)});
    return crypto::is_equal(expected, payload.subspan(covered_bytes, kMacLength_bytes));
}

// Whoever sends from a peer's endpoint but not for our key is most likely that peer, and its
// operator wants to know. Anybody may pretend to be there: it is told now and then, and changes
// nothing else.
void tell_bad_mac1(State& state, InterfaceId tunnel, const IpEndpoint& source, Now now) noexcept {
    if (state.bad_mac1_told.is_set() && now - state.bad_mac1_told.at() < kBadMac1Spacing) {
        return;
    }
    const PeerId peer = state.tables.known_sources().find(
        source, [&](PeerId id) { return state.tables.peers()[id].tunnel() == tunnel; });
    if (peer != kNoPeer && state.post(TunnelEventKind::bad_mac1, peer, 0, now)) {
        state.bad_mac1_told.set(now);
    }
}

DropReason check(State& state, const Packet& packet, InterfaceId id, const IpEndpoint& source,
                 MessageType type, std::span<const std::byte> payload, Now now) noexcept {
    if (id == kNoInterface || !(*state.interfaces)[id].is_up) {
        return DropReason::tunnel_down;
    }
    const Tunnel& tunnel = (*state.tunnels)[id];
    if (!tunnel.has_identity) {
        return DropReason::handshake_no_identity;
    }
    const bool is_known = state.tables.known_sources().contains(source);
    if (!state.budget.admit(is_known, now)) {
        return DropReason::handshake_budget;
    }
    if (type != MessageType::cookie_reply && !has_valid_mac1(tunnel, payload)) {
        if (is_known) {
            tell_bad_mac1(state, id, source, now);
        }
        return DropReason::handshake_bad_mac1;
    }
    ReceivedHandshake received;
    received.tunnel = id;
    received.worker = state.worker;
    received.received_at = now;
    received.source = source;
    received.local = outer_addresses(packet).local;
    received.local_port = packet.destination_port;
    received.length_bytes = static_cast<std::uint8_t>(payload.size());
    std::copy(payload.begin(), payload.end(), received.bytes.begin());
    const bool is_queued = state.tables.handshakes(state.worker).push({&received, 1}) == 1;
    return is_queued ? DropReason::none : DropReason::handshake_queue_full;
}

}  // namespace

void gate_handshake(State& state, Batch& batch, PacketIndex index, MessageType type,
                    std::span<const std::byte> payload, Now now) noexcept {
    const Packet& packet = batch[index];
    const InterfaceId id = state.tunnels->listening_on(packet.destination_port);
    const IpEndpoint source = outer_addresses(packet).source;
    const DropReason refusal = check(state, packet, id, source, type, payload, now);
    if (refusal == DropReason::none) {
        batch.put(index, Lane::absorb);
    } else {
        batch.drop(index, refusal);
    }
}

}  // namespace towpath::wireguard
