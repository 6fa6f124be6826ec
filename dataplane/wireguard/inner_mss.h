// SPDX-License-Identifier: BSD-3-Clause
// The MSS of connections through a tunnel. A segment that fits the links of its ends but not the
// tunnel between them would cost an ICMP error, which many networks lose; so neither end is told to
// send such segments (RFC 4459 section 3.2; nat-behaviour.md 14.6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace towpath::wireguard {

// `packet` begins with its IP header; anything may be behind it. The SYN of an IPv4 packet, or of
// an IPv6 packet without extension headers, names at most what an MTU of `mtu_bytes` leaves behind
// 20 or 40 bytes of IP header and 20 of TCP (RFC 9293 section 3.7.1). Other packets stay as they
// are.
void lower_inner_mss(std::span<std::byte> packet, std::uint16_t mtu_bytes) noexcept;

}  // namespace towpath::wireguard
