// SPDX-License-Identifier: BSD-3-Clause
// The UDP datagram that an ICMPv6 error quotes (RFC 4443 section 2.4 c): as much of it as there
// is room for.
#pragma once

#include <optional>
#include <span>

#include "dataplane/packet/packet.h"
#include "dataplane/wire/icmpv6.h"
#include "dataplane/wire/ip_address.h"
#include "dataplane/wire/ipv6.h"
#include "dataplane/wire/udp.h"

namespace towpath {

struct QuotedUdp {
    IpEndpoint source;
    IpEndpoint destination;
    std::span<const std::byte> payload;  // its beginning
};

// `packet` is an ICMPv6 error, whole. Nothing if it quotes anything else, a fragment that is not
// the first, or less than the UDP header.
[[nodiscard]] inline std::optional<QuotedUdp> quoted_udp6(const Packet& packet) noexcept {
    const std::span<const std::byte> quote =
        std::span<const std::byte>{packet.bytes()}.subspan(packet.l4);
    std::size_t at = sizeof(Icmpv6Header);
    const auto* const ip = header_at<Ipv6Header>(quote, at);
    if (ip == nullptr || ip->version() != 6) {
        return std::nullopt;
    }
    at += sizeof(Ipv6Header);
    std::uint8_t protocol = ip->next_header;
    if (protocol == static_cast<std::uint8_t>(NextHeader::fragment)) {
        const auto* const fragment = header_at<Ipv6FragmentHeader>(quote, at);
        if (fragment == nullptr || fragment->offset_bytes() != 0) {
            return std::nullopt;
        }
        protocol = fragment->next_header;
        at += sizeof(Ipv6FragmentHeader);
    }
    const auto* const udp = header_at<UdpHeader>(quote, at);
    if (udp == nullptr || protocol != static_cast<std::uint8_t>(Protocol::udp)) {
        return std::nullopt;
    }
    return QuotedUdp{{ip->source, Port{udp->source_port}},
                     {ip->destination, Port{udp->destination_port}},
                     quote.subspan(at + sizeof(UdpHeader))};
}

}  // namespace towpath
