// SPDX-License-Identifier: BSD-3-Clause
// IPv6 header and the extension headers that a router looks at (RFC 8200 sections 3 and 4), and the
// pseudo-header of the transports above (RFC 8200 section 8.1).
#pragma once

#include "dataplane/wire/address.h"
#include "dataplane/wire/bytes.h"
#include "dataplane/wire/checksum.h"

namespace towpath {

inline constexpr std::uint16_t kIpv6MtuMinimum_bytes = 1280;  // RFC 8200 section 5

// IANA numbers of what follows an IPv6 header and is no transport that IPv4 has too.
enum class NextHeader : std::uint8_t {
    hop_by_hop = 0,
    routing = 43,
    fragment = 44,
    authentication = 51,
    icmpv6 = 58,
    none = 59,
    destination_options = 60,
};

struct Ipv6Header {
    be32 version_class_flow;
    be16 payload_length_bytes;  // behind this header, extension headers included
    std::uint8_t next_header;
    std::uint8_t hop_limit;
    Ipv6Address source;
    Ipv6Address destination;

    [[nodiscard]] std::uint8_t version() const noexcept {
        return static_cast<std::uint8_t>(version_class_flow.host() >> 28U);
    }
    [[nodiscard]] std::uint8_t traffic_class() const noexcept {
        return static_cast<std::uint8_t>(version_class_flow.host() >> 20U);
    }
};
static_assert(sizeof(Ipv6Header) == 40 && WireHeader<Ipv6Header>);

// The first word of a header with this traffic class (DSCP and ECN) and a flow label of zero.
[[nodiscard]] constexpr be32 ipv6_first_word(std::uint8_t traffic_class) noexcept {
    return be32{6U << 28U | std::uint32_t{traffic_class} << 20U};
}

// RFC 8200 section 4.5.
struct Ipv6FragmentHeader {
    std::uint8_t next_header;
    std::uint8_t reserved;
    be16 offset_and_more;  // offset in units of 8 bytes above three bits; the last one: more follow
    be32 identification;

    [[nodiscard]] std::uint32_t offset_bytes() const noexcept {
        return offset_and_more.host() & 0xFFF8U;
    }
    [[nodiscard]] bool more_fragments() const noexcept {
        return (offset_and_more.host() & 1U) != 0;
    }
};
static_assert(sizeof(Ipv6FragmentHeader) == 8 && WireHeader<Ipv6FragmentHeader>);

// Unfolded; `length_bytes` is that of the transport header and what follows.
[[nodiscard]] inline std::uint64_t pseudo_header_sum(const Ipv6Address& source,
                                                     const Ipv6Address& destination,
                                                     std::uint8_t protocol,
                                                     std::uint32_t length_bytes) noexcept {
    return sum_words(std::as_bytes(std::span{source.bytes()})) +
           sum_words(std::as_bytes(std::span{destination.bytes()})) + be32{length_bytes}.raw() +
           be16{static_cast<std::uint16_t>(protocol)}.raw();
}

}  // namespace towpath
