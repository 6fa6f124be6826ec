// SPDX-License-Identifier: BSD-3-Clause
// The next hop of an IPv6 packet, 16 bytes in a Packet of one cache line. IPv6 is not translated,
// so the fields that keep what NAT changed are free to hold it. Together with `egress` it is all
// that Lane::link6 asks for, on any worker and in any generation.
#pragma once

#include "dataplane/packet/packet.h"
#include "dataplane/wire/ipv6_address.h"

namespace towpath {

// `was_rewritten_inbound` is false and stays so.
inline void set_ipv6_next_hop(Packet& packet, const Ipv6Address& next_hop) noexcept {
    const Ipv6Words words = words_of(next_hop);
    packet.next_hop = Ipv4Address{static_cast<std::uint32_t>(words.high >> 32U)};
    packet.original_source_address = Ipv4Address{static_cast<std::uint32_t>(words.high)};
    packet.original_destination_address = Ipv4Address{static_cast<std::uint32_t>(words.low >> 32U)};
    packet.original_source_port = Port{static_cast<std::uint16_t>(words.low >> 16U)};
    packet.original_destination_port = Port{static_cast<std::uint16_t>(words.low)};
}

[[nodiscard]] inline Ipv6Address ipv6_next_hop(const Packet& packet) noexcept {
    return address_of(
        {std::uint64_t{packet.next_hop.bits()} << 32U | packet.original_source_address.bits(),
         std::uint64_t{packet.original_destination_address.bits()} << 32U |
             std::uint64_t{packet.original_source_port.number()} << 16U |
             packet.original_destination_port.number()});
}

}  // namespace towpath
