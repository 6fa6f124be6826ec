// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/inner_mss.h"

#include <algorithm>

#include "dataplane/packet/mss.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/ipv6.h"
#include "dataplane/wire/tcp.h"

namespace towpath::wireguard {
namespace {

constexpr auto kTcp = static_cast<std::uint8_t>(Protocol::tcp);

// From the TCP header on; empty if that is not where it must be.
std::span<std::byte> tcp_segment(std::span<std::byte> packet) noexcept {
    const auto* const ipv4 = header_at<Ipv4Header>(packet, 0);
    if (ipv4 == nullptr) {
        return {};
    }
    if (ipv4->version() == 4) {
        const std::size_t header_bytes = ipv4->header_length_bytes();
        const bool begins_with_tcp = ipv4->protocol == kTcp && ipv4->fragment_offset_bytes() == 0 &&
                                     header_bytes >= sizeof(Ipv4Header);
        return begins_with_tcp ? packet.subspan(std::min(header_bytes, packet.size()))
                               : std::span<std::byte>{};
    }
    const auto* const ipv6 = header_at<Ipv6Header>(packet, 0);
    return ipv6 != nullptr && ipv6->version() == 6 && ipv6->next_header == kTcp
               ? packet.subspan(sizeof(Ipv6Header))
               : std::span<std::byte>{};
}

}  // namespace

void lower_inner_mss(std::span<std::byte> packet, std::uint16_t mtu_bytes) noexcept {
    const std::span<std::byte> segment = tcp_segment(packet);
    const auto* const tcp = header_at<TcpHeader>(segment, 0);
    if (tcp == nullptr || (tcp->flags & kTcpSyn) == 0) {
        return;
    }
    const bool is_ipv4 = std::to_integer<unsigned>(packet[0]) >> 4U == 4;
    const std::size_t headers_bytes =
        (is_ipv4 ? sizeof(Ipv4Header) : sizeof(Ipv6Header)) + sizeof(TcpHeader);
    if (mtu_bytes > headers_bytes) {
        static_cast<void>(
            clamp_mss(segment, static_cast<std::uint16_t>(mtu_bytes - headers_bytes)));
    }
}

}  // namespace towpath::wireguard
