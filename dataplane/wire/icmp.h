// SPDX-License-Identifier: BSD-3-Clause
// ICMP for IPv4 (RFC 792; next-hop MTU: RFC 1191 section 4; length: RFC 4884 section 4).
#pragma once

#include "dataplane/wire/byte_order.h"
#include "dataplane/wire/bytes.h"

namespace towpath {

enum class IcmpType : std::uint8_t {
    echo_reply = 0,
    destination_unreachable = 3,
    source_quench = 4,
    redirect = 5,
    echo_request = 8,
    router_advertisement = 9,
    router_solicitation = 10,
    time_exceeded = 11,
    parameter_problem = 12,
    timestamp_request = 13,
    timestamp_reply = 14,
};

inline constexpr std::uint8_t kIcmpHostUnreachable = 1;
inline constexpr std::uint8_t kIcmpProtocolUnreachable = 2;
inline constexpr std::uint8_t kIcmpPortUnreachable = 3;
inline constexpr std::uint8_t kIcmpFragmentationNeeded = 4;
inline constexpr std::uint8_t kIcmpSourceRouteFailed = 5;
inline constexpr std::uint8_t kIcmpNetworkUnreachable = 0;
inline constexpr std::uint8_t kIcmpAdministrativelyProhibited = 13;

struct IcmpHeader {
    std::uint8_t type;
    std::uint8_t code;
    be16 checksum;
    // Echo and timestamp: Identifier. Errors: unused, byte 5 is the RFC 4884 length.
    be16 identifier;
    // Echo and timestamp: Sequence Number. Type 3 code 4: next-hop MTU.
    be16 sequence;
};
static_assert(sizeof(IcmpHeader) == 8 && WireHeader<IcmpHeader>);

}  // namespace towpath
