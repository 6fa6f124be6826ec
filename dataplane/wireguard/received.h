// SPDX-License-Identifier: BSD-3-Clause
// What an authentic and fresh packet does to its session and peer, whatever is in it (wireguard.md
// section 11 steps 7 to 10): roaming, promotion, renewal, timers, counted bytes.
#pragma once

#include <cstdint>

#include "dataplane/packet/packet.h"
#include "dataplane/wireguard/datagram.h"
#include "dataplane/wireguard/inner_packet.h"
#include "dataplane/wireguard/state.h"

namespace towpath::wireguard {

// Of one burst. Packets of one session that follow each other cost little more than one.
class ReceivedTally {
public:
    ReceivedTally(State& state, Batch& batch, Now now) noexcept
        : state_{state}, batch_{batch}, now_{now} {}

    // `packet` is the outer datagram, its headers untouched; `has_data`: not a keepalive.
    void take(Session& session, const Packet& packet, bool has_data) noexcept;
    // Bytes of the packet taken last that count as received.
    void count(std::size_t bytes) noexcept { bytes_ += bytes; }
    void finish() noexcept;

private:
    void follow(PeerId id, Peer& peer, const Packet& packet) noexcept;
    void promote(Session& session, Peer& peer) noexcept;
    void tell_confirmation(Session& session) noexcept;
    void ask_to_renew(Session& session) noexcept;

    State& state_;
    Batch& batch_;
    Now now_;
    PeerId peer_ = kNoPeer;        // of the packet taken last
    std::uint64_t ipv4_pair_ = 0;  // likewise, of its outer header; 0: not IPv4
    Port source_port_;             // likewise
    std::uint64_t bytes_ = 0;      // of peer_, not yet written to it
};

}  // namespace towpath::wireguard
