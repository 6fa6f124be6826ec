// SPDX-License-Identifier: BSD-3-Clause
// The way through the extension headers of an IPv6 packet to its transport header (RFC 8200 section
// 4; RFC 7112; RFC 5095). Pure. Reads no more than kExtensionsMax headers, and none that begins
// beyond kTransportOffsetMax bytes from the IPv6 header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/packet/drop_reason.h"
#include "dataplane/packet/packet.h"

namespace towpath::ipv6 {

inline constexpr std::size_t kExtensionsMax = 8;
inline constexpr std::size_t kTransportOffsetMax_bytes = 240;  // Packet::l4 has eight bits

struct TransportPosition {
    DropReason reason = DropReason::none;  // else nothing below is valid
    std::uint8_t protocol = 0;             // IANA number of what stands at `offset`
    std::size_t offset = 0;                // from the IPv6 header
    FragmentKind fragment = FragmentKind::whole;
};

// `bytes` from the IPv6 header to the end of its payload; at least the IPv6 header. A datagram of a
// single fragment counts as whole (RFC 6946). Behind a later fragment's header nothing is known:
// `offset` is where its payload begins.
[[nodiscard]] TransportPosition find_transport(std::span<const std::byte> bytes) noexcept;

}  // namespace towpath::ipv6
