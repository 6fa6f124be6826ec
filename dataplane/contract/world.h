// SPDX-License-Identifier: BSD-3-Clause
// Messages that state the desired world. Each is absolute and replaces its whole subject, so
// sending one twice changes nothing. They build up a world beside the running one; `commit`
// publishes it as one generation. A connection that ends before its commit leaves no trace.
//
// A list travels in chunks: `total` entries in all, these `count` from `offset` on. Offset 0 begins
// the list anew; chunks arrive in order; a commit with an unfinished list is refused.
#pragma once

#include "dataplane/contract/header.h"

namespace towpath::contract {

inline constexpr std::size_t kInterfaceAddressesMax = 16;
inline constexpr std::size_t kInterfaceIpv6AddressesMax = 8;
inline constexpr std::size_t kReservedRangesMax = 512;
inline constexpr std::size_t kRoutesPerChunk = 256;
inline constexpr std::size_t kIpv6RoutesPerChunk = 128;
inline constexpr std::size_t kPrefixesPerChunk = 256;
inline constexpr std::size_t kAllowPerChunk = 64;
inline constexpr std::uint32_t kRoutesMax = 131072;
inline constexpr std::uint32_t kSourcesMax = 8192;
inline constexpr std::uint32_t kPoolMax = 1024;
inline constexpr std::uint32_t kAllowMax = 256;

inline constexpr std::uint8_t kAnyInterface = 0xFF;

enum class Role : std::uint8_t { neutral, inside, outside, count };
enum class RouteKind : std::uint8_t { via, connected, unreachable, count };
// RFC 4787 section 5.
enum class Filtering : std::uint8_t {
    endpoint_independent,
    address_dependent,
    address_and_port_dependent,
    count,
};
// What an inside sender hears when no mapping or session can be made for want of room
// (nat-behaviour.md 2, decision 1): type 3 code 1, type 3 code 13, nothing.
enum class ExhaustionIcmp : std::uint8_t { host_unreachable, admin_prohibited, silent, count };

struct InterfaceSet {
    static constexpr MessageType kType = MessageType::interface_set;
    Header header = header_of<InterfaceSet>();
    std::uint8_t id = 0;  // position in Start::ports
    Role role = Role::neutral;
    std::uint16_t mtu_bytes = 1500;
    std::uint8_t address_count = 0;
    std::uint8_t ipv6_address_count = 0;
    std::array<std::uint8_t, 2> reserved{};
    // `address` with all its bits; `length` is that of the connected network.
    std::array<PrefixField, kInterfaceAddressesMax> addresses{};
    std::array<Ipv6PrefixField, kInterfaceIpv6AddressesMax> ipv6_addresses{};  // likewise
    friend bool operator==(const InterfaceSet&, const InterfaceSet&) = default;
};
static_assert(sizeof(InterfaceSet) == 16 + 8 + 128 + 192 && kIsMessage<InterfaceSet>);

struct RouteField {
    PrefixField to;
    Ipv4Address via;  // with RouteKind::via
    RouteKind kind = RouteKind::via;
    std::uint8_t interface = 0;  // not with RouteKind::unreachable
    std::uint16_t reserved = 0;
    friend bool operator==(const RouteField&, const RouteField&) = default;
};

struct ListPart {
    std::uint32_t total = 0;
    std::uint32_t offset = 0;
    std::uint32_t count = 0;
    std::uint32_t reserved = 0;
    friend bool operator==(const ListPart&, const ListPart&) = default;
};

struct RouteChunk {
    static constexpr MessageType kType = MessageType::route_chunk;
    using Entry = RouteField;
    static constexpr std::uint32_t kEntriesMax = kRoutesMax;
    Header header = header_of<RouteChunk>();
    ListPart part;
    std::array<RouteField, kRoutesPerChunk> entries{};
};
static_assert(sizeof(RouteChunk) == 32 + 16 * kRoutesPerChunk && kIsMessage<RouteChunk>);

struct Ipv6RouteField {
    Ipv6PrefixField to;
    Ipv6Address via;  // with RouteKind::via
    RouteKind kind = RouteKind::via;
    std::uint8_t interface = 0;  // not with RouteKind::unreachable
    std::array<std::uint8_t, 6> reserved{};
    friend bool operator==(const Ipv6RouteField&, const Ipv6RouteField&) = default;
};

struct Ipv6RouteChunk {
    static constexpr MessageType kType = MessageType::ipv6_route_chunk;
    using Entry = Ipv6RouteField;
    static constexpr std::uint32_t kEntriesMax = kRoutesMax;
    Header header = header_of<Ipv6RouteChunk>();
    ListPart part;
    std::array<Ipv6RouteField, kIpv6RoutesPerChunk> entries{};
};
static_assert(sizeof(Ipv6RouteChunk) == 32 + 48 * kIpv6RoutesPerChunk &&
              kIsMessage<Ipv6RouteChunk>);

// Sources that may be translated (nat-behaviour.md BAD-IP-10).
struct SourceChunk {
    static constexpr MessageType kType = MessageType::source_chunk;
    using Entry = PrefixField;
    static constexpr std::uint32_t kEntriesMax = kSourcesMax;
    Header header = header_of<SourceChunk>();
    ListPart part;
    std::array<PrefixField, kPrefixesPerChunk> entries{};
};
static_assert(sizeof(SourceChunk) == 32 + 8 * kPrefixesPerChunk && kIsMessage<SourceChunk>);

// Outside addresses; the position in the whole list is the pool index.
struct PoolChunk {
    static constexpr MessageType kType = MessageType::pool_chunk;
    using Entry = Ipv4Address;
    static constexpr std::uint32_t kEntriesMax = kPoolMax;
    Header header = header_of<PoolChunk>();
    ListPart part;
    std::array<Ipv4Address, kPrefixesPerChunk> entries{};
};
static_assert(sizeof(PoolChunk) == 32 + 4 * kPrefixesPerChunk && kIsMessage<PoolChunk>);

// Who may talk to the box itself (decisions.md N18), beside the defaults.
struct AllowField {
    PrefixField prefix;         // of the source; 0.0.0.0/0: any
    PortRangeField ports;       // destination; 0 to 65535: any
    std::uint8_t protocol = 0;  // IANA number; 0: any
    std::uint8_t interface = kAnyInterface;
    std::uint16_t reserved = 0;
    friend bool operator==(const AllowField&, const AllowField&) = default;
};

struct AllowChunk {
    static constexpr MessageType kType = MessageType::allow_chunk;
    using Entry = AllowField;
    static constexpr std::uint32_t kEntriesMax = kAllowMax;
    Header header = header_of<AllowChunk>();
    ListPart part;
    std::array<AllowField, kAllowPerChunk> entries{};
};
static_assert(sizeof(AllowChunk) == 32 + 16 * kAllowPerChunk && kIsMessage<AllowChunk>);

// Everything of nat::Policy but its lists.
struct NatSet {
    static constexpr MessageType kType = MessageType::nat_set;
    Header header = header_of<NatSet>();
    std::uint8_t is_enabled = 0;
    std::uint8_t hairpin = 1;
    std::uint8_t clamp_mss = 1;
    std::uint8_t udp_inbound_refresh = 0;
    std::uint8_t rewrite_identification = 1;
    Filtering udp_filtering = Filtering::endpoint_independent;
    Filtering tcp_filtering = Filtering::address_and_port_dependent;
    Filtering icmp_filtering = Filtering::endpoint_independent;
    std::uint32_t udp_timeout_s = 300;
    std::uint32_t udp_unreplied_timeout_s = 120;
    std::uint32_t tcp_established_timeout_s = 7440;
    std::uint32_t tcp_open_timeout_s = 240;
    std::uint32_t tcp_close_timeout_s = 240;
    std::uint32_t icmp_timeout_s = 60;
    std::uint32_t port_hold_s = 120;
    PortRangeField ports{1024, 65535};
    std::uint32_t reserved_range_count = 0;
    ExhaustionIcmp exhaustion_icmp = ExhaustionIcmp::host_unreachable;
    std::uint8_t reject_syns = 0;  // 3/3 for an unsolicited SYN from outside, 6 s later
    std::array<std::uint8_t, 2> reserved{};
    std::array<PortRangeField, kReservedRangesMax> reserved_ranges{};  // never given to a mapping
    friend bool operator==(const NatSet&, const NatSet&) = default;
};
static_assert(sizeof(NatSet) == 16 + 8 + 28 + 4 + 8 + 4 * kReservedRangesMax && kIsMessage<NatSet>);

// Publish what was stated. Numbers rise within one control process; equal worlds are not published
// again.
struct Commit {
    static constexpr MessageType kType = MessageType::commit;
    Header header = header_of<Commit>();
    std::uint64_t generation = 0;  // not 0
};
static_assert(sizeof(Commit) == 24 && kIsMessage<Commit>);

}  // namespace towpath::contract
