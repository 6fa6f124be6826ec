// SPDX-License-Identifier: BSD-3-Clause
// The outer datagram of a packet in Lane::open: who sent it to which address of ours, and what is
// in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/packet/packet.h"
#include "dataplane/wire/ip_address.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/ipv6.h"
#include "dataplane/wire/udp.h"

namespace towpath::wireguard {

inline constexpr std::uint8_t kEcnMask = 0x03;

// RFC 3168 section 5.
enum class Ecn : std::uint8_t { not_capable = 0, ect_1 = 1, ect_0 = 2, congestion = 3 };

// The UDP payload (RFC 768); nothing if its length field is below 8 or beyond the packet
// (wireguard.md section 17 #2).
[[nodiscard]] inline std::optional<std::span<std::byte>> udp_payload(
    const Packet& packet) noexcept {
    const auto* const udp = header_at<UdpHeader>(packet.bytes(), packet.l4);
    if (udp == nullptr) {
        return std::nullopt;
    }
    const std::size_t length_bytes = udp->length_bytes.host();
    if (length_bytes < sizeof(UdpHeader) || length_bytes > std::size_t{packet.length} - packet.l4) {
        return std::nullopt;
    }
    return packet.bytes().subspan(packet.l4 + sizeof(UdpHeader), length_bytes - sizeof(UdpHeader));
}

struct OuterAddresses {
    IpEndpoint source;
    IpAddress local;
};

[[nodiscard]] inline bool has_outer_ipv4(const Packet& packet) noexcept {
    return std::to_integer<unsigned>(packet.data()[packet.l3]) >> 4U == 4;
}

// l3 is a whole IPv4 or IPv6 header.
[[nodiscard]] inline OuterAddresses outer_addresses(const Packet& packet) noexcept {
    if (has_outer_ipv4(packet)) {
        const auto& ip = packet.header<Ipv4Header>(packet.l3);
        return {{Ipv4Address{ip.source}, packet.source_port}, Ipv4Address{ip.destination}};
    }
    const auto& ip = packet.header<Ipv6Header>(packet.l3);
    return {{ip.source, packet.source_port}, ip.destination};
}
[[nodiscard]] inline Ecn outer_ecn(const Packet& packet) noexcept {
    const std::uint8_t field = has_outer_ipv4(packet)
                                   ? packet.header<Ipv4Header>(packet.l3).dscp_and_ecn
                                   : packet.header<Ipv6Header>(packet.l3).traffic_class();
    return static_cast<Ecn>(field & kEcnMask);
}

}  // namespace towpath::wireguard
