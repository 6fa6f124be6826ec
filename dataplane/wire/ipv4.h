// SPDX-License-Identifier: BSD-3-Clause
// IPv4 header (RFC 791 section 3.1).
#pragma once

#include "dataplane/wire/address.h"
#include "dataplane/wire/bytes.h"

namespace towpath {

inline constexpr std::uint16_t kIpv4FlagReserved = 0x8000;
inline constexpr std::uint16_t kIpv4FlagDontFragment = 0x4000;
inline constexpr std::uint16_t kIpv4FlagMoreFragments = 0x2000;
inline constexpr std::uint16_t kIpv4FragmentOffsetMask = 0x1FFF;  // in units of 8 bytes

struct Ipv4Header {
    std::uint8_t version_and_ihl;
    std::uint8_t dscp_and_ecn;
    be16 total_length_bytes;
    be16 identification;
    be16 flags_and_offset;
    std::uint8_t ttl;
    std::uint8_t protocol;
    be16 checksum;
    be32 source;
    be32 destination;

    [[nodiscard]] std::uint8_t version() const noexcept { return version_and_ihl >> 4U; }
    [[nodiscard]] std::size_t header_length_bytes() const noexcept {
        return static_cast<std::size_t>(version_and_ihl & 0x0FU) * 4U;
    }
    [[nodiscard]] bool dont_fragment() const noexcept {
        return (flags_and_offset.host() & kIpv4FlagDontFragment) != 0;
    }
    [[nodiscard]] bool more_fragments() const noexcept {
        return (flags_and_offset.host() & kIpv4FlagMoreFragments) != 0;
    }
    [[nodiscard]] std::uint32_t fragment_offset_bytes() const noexcept {
        return (flags_and_offset.host() & kIpv4FragmentOffsetMask) * 8U;
    }
};
static_assert(sizeof(Ipv4Header) == 20 && WireHeader<Ipv4Header>);

}  // namespace towpath
