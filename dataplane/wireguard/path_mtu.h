// SPDX-License-Identifier: BSD-3-Clause
// The way to a peer over IPv6 may be narrower than the tunnel (decisions.md W8; RFC 8201): what the
// routers on it say lowers that peer's MTU and nobody else's, and the senders of inner packets hear
// of it in turn.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "dataplane/packet/batch.h"
#include "dataplane/wire/ipv6.h"
#include "dataplane/wireguard/state.h"

namespace towpath::wireguard {

// IPv6, UDP, the transport header and the tag.
inline constexpr std::uint16_t kOverhead_bytes = 80;

// The longest inner packet for a peer whose way carries `path_mtu_bytes` (0: nothing is known).
// Never below what IPv6 needs inside: then the outer packet goes in fragments.
[[nodiscard]] constexpr std::uint16_t inner_mtu_bytes(std::uint16_t tunnel_mtu_bytes,
                                                      std::uint16_t path_mtu_bytes) noexcept {
    if (path_mtu_bytes == 0) {
        return tunnel_mtu_bytes;
    }
    const int narrow = std::max(int{path_mtu_bytes} - kOverhead_bytes, int{kIpv6MtuMinimum_bytes});
    return static_cast<std::uint16_t>(std::min(int{tunnel_mtu_bytes}, narrow));
}

// How long a path MTU holds that nobody repeats (RFC 8201 section 4): the way may have become
// wider, and the first packet that is too long asks it again.
inline constexpr Duration kPathMtuAge_max = std::chrono::minutes{10};

// As above, of the peer's way as it is known.
[[nodiscard]] inline std::uint16_t inner_mtu_bytes(std::uint16_t tunnel_mtu_bytes,
                                                   const Peer& peer) noexcept {
    return peer.has(Peer::kPathMtuTold)
               ? inner_mtu_bytes(tunnel_mtu_bytes, peer.endpoint.read().path_mtu_bytes)
               : tunnel_mtu_bytes;
}

// A packet of Lane::open that is an ICMPv6 "packet too big" -> absorb | drop. Believed if it quotes
// transport data from a tunnel's port and this address of ours, to the endpoint of a peer of that
// tunnel, under the receiver index of a session that the peer has: nobody who does not see our
// packets can know that (RFC 8201 section 6). Else icmp_error_no_mapping.
void take_too_big(State& state, Batch& batch, PacketIndex index, Now now) noexcept;

// Of a peer with kPathMtuTold, from time to time.
void forget_old_path_mtu(Peer& peer, Now now) noexcept;

// An inner packet of Lane::seal that is longer than its peer's MTU, and not made here -> icmp_error
// | icmp6_error for route_too_big, or, IPv4 that may be cut, Lane::link, which cuts it for
// `mtu_bytes`.
[[gnu::cold]] void refuse_too_long(Batch& batch, PacketIndex index,
                                   std::uint16_t mtu_bytes) noexcept;

}  // namespace towpath::wireguard
