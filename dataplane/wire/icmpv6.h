// SPDX-License-Identifier: BSD-3-Clause
// ICMPv6 (RFC 4443) and the messages of neighbour discovery (RFC 4861 section 4).
#pragma once

#include "dataplane/wire/address.h"
#include "dataplane/wire/byte_order.h"
#include "dataplane/wire/bytes.h"

namespace towpath {

// Types below 128 are errors.
enum class Icmpv6Type : std::uint8_t {
    destination_unreachable = 1,
    packet_too_big = 2,
    time_exceeded = 3,
    parameter_problem = 4,
    echo_request = 128,
    echo_reply = 129,
    router_solicitation = 133,
    router_advertisement = 134,
    neighbor_solicitation = 135,
    neighbor_advertisement = 136,
    redirect = 137,
};
inline constexpr std::uint8_t kIcmpv6Informational = 128;  // the lowest type that is no error

// Codes of destination_unreachable.
inline constexpr std::uint8_t kIcmpv6NoRoute = 0;
inline constexpr std::uint8_t kIcmpv6AdministrativelyProhibited = 1;
inline constexpr std::uint8_t kIcmpv6AddressUnreachable = 3;
inline constexpr std::uint8_t kIcmpv6PortUnreachable = 4;

struct Icmpv6Header {
    std::uint8_t type;
    std::uint8_t code;
    be16 checksum;
    be32 body;  // MTU of packet_too_big; Identifier and Sequence Number of an echo
};
static_assert(sizeof(Icmpv6Header) == 8 && WireHeader<Icmpv6Header>);

inline constexpr std::uint8_t kNeighborHopLimit = 255;  // proves that no router was in between

// Solicitation and advertisement have one shape; the flags are the advertisement's.
struct NeighborMessage {
    std::uint8_t type;
    std::uint8_t code;
    be16 checksum;
    be32 flags;
    Ipv6Address target;
};
static_assert(sizeof(NeighborMessage) == 24 && WireHeader<NeighborMessage>);
inline constexpr std::uint32_t kNeighborRouter = 1U << 31U;
inline constexpr std::uint32_t kNeighborSolicited = 1U << 30U;
inline constexpr std::uint32_t kNeighborOverride = 1U << 29U;

enum class NeighborOptionType : std::uint8_t {
    source_link_address = 1,
    target_link_address = 2,
};

// RFC 4861 section 4.6.1, over Ethernet (RFC 2464 section 6).
struct LinkAddressOption {
    std::uint8_t type;
    std::uint8_t length_8_bytes;  // 1
    MacAddress mac;
};
static_assert(sizeof(LinkAddressOption) == 8 && WireHeader<LinkAddressOption>);

}  // namespace towpath
