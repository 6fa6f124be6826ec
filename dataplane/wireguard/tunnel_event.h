// SPDX-License-Identifier: BSD-3-Clause
// What a worker tells the server thread about peers and sessions: through one ring per worker. An
// event that does not fit is counted, and comes again: what it is about is still so at the next
// look of the timers.
#pragma once

#include <cstdint>

#include "dataplane/packet/spsc_ring.h"
#include "dataplane/wireguard/capacity.h"

namespace towpath::wireguard {

enum class TunnelEventKind : std::uint8_t {
    handshake_wanted,  // a packet waits, the key is old or spent, or a keepalive is due without one
    no_answer,         // data went out 15 s ago and nothing came back (wireguard.md 15.3)
    session_confirmed,  // first packet under `index`, which we answered: the handshake is complete
    session_ended,      // `index` is out of its peer's slots or expired: retire it
    bad_mac1,           // from the peer's endpoint, and made for another key than ours
};

struct TunnelEvent {
    TunnelEventKind kind = TunnelEventKind::handshake_wanted;
    PeerId peer = kNoPeer;
    std::uint32_t index = 0;  // of the two kinds about sessions
    Now at{};
};

inline constexpr std::size_t kEventRingEntries = 4096;
using TunnelEventRing = SpscRing<TunnelEvent>;

}  // namespace towpath::wireguard
