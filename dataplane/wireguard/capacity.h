// SPDX-License-Identifier: BSD-3-Clause
// What a data plane's tunnels are sized for, and the protocol's times (wireguard.md section 1).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "dataplane/wire/now.h"
#include "dataplane/wireguard/peer_id.h"

namespace towpath::wireguard {

// Fixed for the life of a data plane. A peer's id is below `peers`; it may be given to another peer
// once all sessions of the one before have been collected.
struct Capacity {
    std::uint32_t peers = 0;     // <= kPeersMax
    std::uint32_t sessions = 0;  // <= kSessionsMax; 1.5 * peers + 64 (decisions.md W16)
    std::uint32_t prefixes = 0;  // allowed IPs of all tunnels together
    std::size_t workers = 1;     // <= kWorkersMax
    // Packets that wait for a session, all peers of a worker together (W7).
    std::uint32_t staged_packets_per_worker = 0;
};
inline constexpr std::uint32_t kPeersMax = 1U << 20U;
// A slot and "none" fit 21 bits (PeerSlots).
inline constexpr std::uint32_t kSessionsMax = (1U << 21U) - 1;

inline constexpr Duration kRekeyAfterTime = std::chrono::seconds{120};
inline constexpr Duration kRejectAfterTime = std::chrono::seconds{180};
inline constexpr Duration kKeepaliveTimeout = std::chrono::seconds{10};
inline constexpr Duration kRekeyTimeout = std::chrono::seconds{5};
// An initiator renews a key that it only receives under past this age.
inline constexpr Duration kRekeyOnReceiveAfter =
    kRejectAfterTime - kKeepaliveTimeout - kRekeyTimeout;
inline constexpr Duration kNoAnswerTimeout = kKeepaliveTimeout + kRekeyTimeout;
inline constexpr Duration kJitterMax = std::chrono::milliseconds{333};
inline constexpr std::uint64_t kRekeyAfterMessages = std::uint64_t{1} << 60U;
inline constexpr std::uint32_t kStagedPerPeerMax = 128;

}  // namespace towpath::wireguard
