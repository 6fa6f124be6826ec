// SPDX-License-Identifier: BSD-3-Clause
// Writes and reads neighbour solicitations and advertisements (RFC 4861 sections 4.3, 4.4 and 7.1).
// No policy.
#pragma once

#include <optional>

#include "dataplane/packet/packet.h"
#include "dataplane/wire/icmpv6.h"
#include "dataplane/wire/ipv6_address.h"

namespace towpath::ipv6 {

struct NeighborFrame {
    Icmpv6Type type = Icmpv6Type::neighbor_solicitation;
    std::uint32_t flags = 0;  // of an advertisement
    Ipv6Address source;
    Ipv6Address destination;
    Ipv6Address target;
    MacAddress own_mac;          // of the frame, and the link address option
    MacAddress destination_mac;  // of the frame
};

// Replaces the window's content by the frame. False when the storage is too small.
[[nodiscard]] bool write_neighbor_frame(Packet& packet, const NeighborFrame& frame) noexcept;

struct NeighborNews {
    Icmpv6Type type{};
    std::uint32_t flags = 0;
    Ipv6Address source;
    Ipv6Address destination;
    Ipv6Address target;
    std::optional<MacAddress> mac;  // of the option that belongs to the type
};

// What a packet from parse_stage says. Nothing if it fails the checks of RFC 4861 sections 7.1.1
// and 7.1.2, the checksum apart, or is of another type.
[[nodiscard]] std::optional<NeighborNews> read_neighbor_message(const Packet& packet) noexcept;

}  // namespace towpath::ipv6
