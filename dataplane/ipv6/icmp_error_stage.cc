// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipv6/icmp_error_stage.h"

#include <algorithm>
#include <cstring>

#include "dataplane/packet/ipv6_next_hop.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/icmpv6.h"
#include "dataplane/wire/ipv6.h"

namespace towpath::ipv6 {
namespace {

constexpr std::size_t kInFront_bytes = sizeof(Ipv6Header) + sizeof(Icmpv6Header);
constexpr std::size_t kQuoteMax_bytes = kIpv6MtuMinimum_bytes - kInFront_bytes;
constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15U;

route::IcmpErrorClass class_of(const Packet& packet) noexcept {
    switch (static_cast<Icmpv6Type>(packet.icmp_type)) {
        case Icmpv6Type::time_exceeded:
            return route::IcmpErrorClass::time_exceeded;
        case Icmpv6Type::packet_too_big:
            return route::IcmpErrorClass::too_big;
        default:
            return route::IcmpErrorClass::other;
    }
}

// RFC 4443 section 2.4 e, RFC 4861 section 8.2: what is never answered.
bool is_answerable(const Packet& packet, const Ipv6Header& ip) noexcept {
    if (packet.from_host || packet.is_originated || is_multicast(ip.destination) ||
        is_multicast(ip.source) || is_martian(ip.source)) {
        return false;
    }
    if (packet.ip_protocol == static_cast<std::uint8_t>(NextHeader::icmpv6) &&
        packet.fragment != FragmentKind::later) {
        const auto* icmp = header_at<Icmpv6Header>(packet.bytes(), packet.l4);
        return icmp != nullptr && icmp->type >= kIcmpv6Informational &&
               icmp->type != static_cast<std::uint8_t>(Icmpv6Type::redirect);
    }
    return true;
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) noexcept {
    hash = (hash ^ word) * kOdd;
    return hash ^ hash >> 29U;
}

std::uint64_t hash_of(const Ipv6Address& address, std::uint64_t key) noexcept {
    const Ipv6Words words = words_of(address);
    return mix(mix(key, words.high), words.low);
}

// What makes two errors identical, as a number: as in route/icmp_error_stage.h.
std::uint64_t identity_of(const Packet& packet, const Ipv6Header& ip, std::uint64_t key) noexcept {
    const bool is_probe = class_of(packet) == route::IcmpErrorClass::time_exceeded;
    const bool is_query = packet.transport == TransportKind::icmp_query;
    std::uint64_t transport = 0;
    const auto bytes = packet.bytes().subspan(packet.l4);
    std::memcpy(&transport, bytes.data(),
                std::min<std::size_t>(bytes.size(), is_probe || is_query ? 8 : 4));
    const std::uint64_t kind = std::uint64_t{packet.icmp_type} << 16U |
                               std::uint64_t{packet.icmp_code} << 8U | packet.ip_protocol;
    const std::uint64_t hash = hash_of(ip.destination, hash_of(ip.source, key));
    return mix(mix(hash, transport), kind);
}

// The address that the sender knows us by on the interface that received the packet; any other of
// ours when that interface has none. Unspecified when we have none at all.
Ipv6Address reporting_address(const InterfaceTable& interfaces, const Interface& receiving,
                              const Ipv6Address& sender) noexcept {
    if (is_link_local(sender)) {
        return receiving.link_local;
    }
    for (const Ipv6InterfaceAddress& own : receiving.ipv6_addresses()) {
        if (own.prefix.contains(sender)) {
            return own.address;
        }
    }
    if (receiving.ipv6_address_count > 0) {
        return receiving.ipv6_storage[0].address;
    }
    for (const Interface& interface : interfaces.all()) {
        if (interface.ipv6_address_count > 0) {
            return interface.ipv6_storage[0].address;
        }
    }
    return Ipv6Address{};
}

// The way back. A link-local sender is a neighbour on the link that it came from.
Route way_to(const View& view, InterfaceId ingress, const Ipv6Address& sender) noexcept {
    if (is_link_local(sender)) {
        return {route::RouteKind::connected, ingress, {}};
    }
    return view.routes->find(sender);
}

void write_error(Packet& packet, const Ipv6Address& from, const Ipv6Address& to) noexcept {
    const std::size_t quoted_bytes =
        std::min<std::size_t>(packet.length - std::size_t{packet.l3}, kQuoteMax_bytes);
    constexpr std::size_t kHeaders_bytes = sizeof(EthernetHeader) + kInFront_bytes;
    packet.head = static_cast<std::uint16_t>(packet.head + packet.l3 - kHeaders_bytes);
    packet.length = static_cast<std::uint16_t>(kHeaders_bytes + quoted_bytes);
    packet.l3 = sizeof(EthernetHeader);
    packet.l4 = sizeof(EthernetHeader) + sizeof(Ipv6Header);
    const std::size_t message_bytes = sizeof(Icmpv6Header) + quoted_bytes;
    packet.header<Ipv6Header>(packet.l3) = {ipv6_first_word(0),
                                            be16{static_cast<std::uint16_t>(message_bytes)},
                                            static_cast<std::uint8_t>(NextHeader::icmpv6),
                                            64,
                                            from,
                                            to};
    auto& icmp = packet.header<Icmpv6Header>(packet.l4);
    icmp = {packet.icmp_type, packet.icmp_code, be16{}, be32{packet.icmp_mtu_bytes}};
    icmp.checksum =
        full_checksum(packet.bytes().subspan(packet.l4),
                      pseudo_header_sum(from, to, static_cast<std::uint8_t>(NextHeader::icmpv6),
                                        static_cast<std::uint32_t>(message_bytes)));
}

void become_originated(Packet& packet) noexcept {
    packet.ip_protocol = static_cast<std::uint8_t>(NextHeader::icmpv6);
    packet.transport = TransportKind::icmp_error;
    packet.fragment = FragmentKind::whole;
    packet.source_port = Port{};
    packet.destination_port = Port{};
    packet.is_originated = true;
}

void report(IcmpErrorState& state, Batch& batch, PacketIndex index, Now now) noexcept {
    Packet& packet = batch[index];
    const auto& ip = packet.header<Ipv6Header>(packet.l3);
    const Ipv6Address sender = ip.source;
    const Interface& receiving = (*state.view.interfaces)[packet.ingress];
    const Ipv6Address from = reporting_address(*state.view.interfaces, receiving, sender);
    const Route route = way_to(state.view, packet.ingress, sender);
    const bool is_routable =
        route.kind == route::RouteKind::connected || route.kind == route::RouteKind::via;
    if (!is_answerable(packet, ip) || is_unspecified(from) || !is_routable ||
        packet.head + packet.l3 < sizeof(EthernetHeader) + kInFront_bytes) {
        batch.drop(index, packet.verdict);
        return;
    }
    const std::uint64_t key = state.budget.key;
    if (!state.budget.take(
            {packet.ingress, class_of(packet), hash_of(sender, key), identity_of(packet, ip, key)},
            now)) {
        batch.drop(index, packet.verdict);
        return;
    }
    write_error(packet, from, sender);
    become_originated(packet);
    packet.egress = route.interface;
    set_ipv6_next_hop(packet, route.kind == route::RouteKind::via ? route.next_hop : sender);
    batch.put(index, Lane::link6);
}

}  // namespace

void icmp_error_stage(IcmpErrorState& state, Batch& batch, Now now) noexcept {
    PacketList& lane = batch.lane(Lane::icmp6_error);
    for (const PacketIndex index : lane) {
        report(state, batch, index, now);
    }
    lane.clear();
}

}  // namespace towpath::ipv6
