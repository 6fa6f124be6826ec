// SPDX-License-Identifier: BSD-3-Clause
// Checks and reads the transport header at packet.l4 (nat-behaviour.md 26.4 to 26.7). Fills
// transport, source_port and destination_port. Pure; shared by parse_stage for whole packets and
// by fragment_stage for first fragments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/packet/packet.h"
#include "dataplane/wire/tcp.h"
#include "dataplane/wire/udp.h"

namespace towpath::parse {

// One bit for each value of the six flags: set where no sender may use the combination
// (BAD-TCP-03). One load-free test per segment.
[[nodiscard]] constexpr std::uint64_t bad_flag_combinations() noexcept {
    std::uint64_t bad = 0;
    for (unsigned flags = 0; flags < 64; ++flags) {
        const bool syn = (flags & kTcpSyn) != 0;
        const bool fin = (flags & kTcpFin) != 0;
        const bool rst = (flags & kTcpRst) != 0;
        const bool ack = (flags & kTcpAck) != 0;
        if (flags == 0 || (syn && (fin || rst)) || (fin && !ack)) {
            bad |= std::uint64_t{1} << flags;
        }
    }
    return bad;
}
inline constexpr std::uint64_t kBadFlags = bad_flag_combinations();

// read_transport of what every burst is full of.
[[nodiscard]] inline DropReason read_tcp(Packet& packet) noexcept {
    const std::span<const std::byte> segment = packet.bytes().subspan(packet.l4);
    const bool is_whole = packet.fragment == FragmentKind::whole;
    const auto* tcp = header_at<TcpHeader>(segment, 0);
    if (tcp == nullptr) {
        return is_whole ? DropReason::tcp_truncated : DropReason::fragment_too_short;
    }
    const std::size_t header_bytes = tcp->header_length_bytes();
    // The options of a first fragment may go on in the next.
    if (header_bytes < sizeof(TcpHeader) || (is_whole && header_bytes > segment.size())) {
        return DropReason::tcp_bad_offset;
    }
    if ((kBadFlags >> (tcp->flags & 0x3FU) & 1U) != 0) {
        return DropReason::tcp_bad_flags;
    }
    if (tcp->source_port.raw() == 0 || tcp->destination_port.raw() == 0) {
        return DropReason::tcp_port_zero;
    }
    packet.transport = TransportKind::tcp;
    packet.source_port = Port{tcp->source_port};
    packet.destination_port = Port{tcp->destination_port};
    return DropReason::none;
}
[[nodiscard]] inline DropReason read_udp(Packet& packet) noexcept {
    const std::span<const std::byte> datagram = packet.bytes().subspan(packet.l4);
    const bool is_whole = packet.fragment == FragmentKind::whole;
    const auto* udp = header_at<UdpHeader>(datagram, 0);
    if (udp == nullptr) {
        return is_whole ? DropReason::udp_bad_length : DropReason::fragment_too_short;
    }
    const std::size_t length_bytes = udp->length_bytes.host();
    if (length_bytes < sizeof(UdpHeader) || (is_whole && length_bytes > datagram.size())) {
        return DropReason::udp_bad_length;
    }
    if (udp->source_port.raw() == 0 || udp->destination_port.raw() == 0) {
        return DropReason::udp_port_zero;
    }
    packet.transport = TransportKind::udp;
    packet.source_port = Port{udp->source_port};
    packet.destination_port = Port{udp->destination_port};
    return DropReason::none;
}

// For FragmentKind::whole and ::first. A first fragment is not held to lengths or checksums that
// cover bytes of later fragments, but must hold 20 bytes of TCP, 8 of UDP or ICMP
// (fragment_too_short). DropReason::none when the packet may go on; protocols that are not
// translated go on as TransportKind::unknown with both ports zero.
[[nodiscard]] DropReason read_transport(Packet& packet) noexcept;

}  // namespace towpath::parse
