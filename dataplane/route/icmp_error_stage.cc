// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route/icmp_error_stage.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/tcp.h"
#include "dataplane/wire/udp.h"

namespace towpath::route {
namespace {

constexpr std::size_t kInFront_bytes = sizeof(Ipv4Header) + sizeof(IcmpHeader);
constexpr std::size_t kQuoteMax_bytes = kIcmpErrorBytesMax - kInFront_bytes;

IcmpErrorClass class_of(const Packet& packet) noexcept {
    if (packet.icmp_type == static_cast<std::uint8_t>(IcmpType::time_exceeded)) {
        return IcmpErrorClass::time_exceeded;
    }
    const bool is_too_big =
        packet.icmp_type == static_cast<std::uint8_t>(IcmpType::destination_unreachable) &&
        packet.icmp_code == kIcmpFragmentationNeeded;
    return is_too_big ? IcmpErrorClass::too_big : IcmpErrorClass::other;
}

bool is_icmp_error_type(std::uint8_t type) noexcept {
    return type != static_cast<std::uint8_t>(IcmpType::echo_request) &&
           type != static_cast<std::uint8_t>(IcmpType::echo_reply) &&
           type != static_cast<std::uint8_t>(IcmpType::timestamp_request) &&
           type != static_cast<std::uint8_t>(IcmpType::timestamp_reply);
}

// Not a station that could have sent the packet. Spoofed sources are asked here too: parse rejects
// before classify has looked.
bool is_bad_sender(Ipv4Address source, InterfaceRole side, const LocalPolicy& local) noexcept {
    const std::uint32_t network = source.bits() >> 24U;
    const AddressUse use = local.use_of(source);
    return network == 0 || network == 127 || network >= 224 || use.is_ours() || use.is_broadcast ||
           (side == InterfaceRole::inside && !local.inside_sources().contains(source)) ||
           (side == InterfaceRole::outside && local.inside_sources().contains(source));
}

// 16.3, RFC 1122 section 3.2.2: what is never answered.
bool is_answerable(const Packet& packet, const Ipv4Header& ip, const View& view) noexcept {
    const InterfaceRole side = (*view.interfaces)[packet.ingress].role;
    if (packet.from_host || is_bad_sender(Ipv4Address{ip.source}, side, *view.local)) {
        return false;
    }
    if (packet.fragment == FragmentKind::later || ip.fragment_offset_bytes() != 0) {
        return false;
    }
    // Read here, not from `transport`: packets with a bad option come from before that is known.
    if (ip.protocol == static_cast<std::uint8_t>(Protocol::icmp)) {
        const auto* icmp = header_at<IcmpHeader>(packet.bytes(), packet.l4);
        return icmp != nullptr && !is_icmp_error_type(icmp->type);
    }
    return true;
}

std::uint64_t hash_of(Ipv4Address host, std::uint64_t key) noexcept {
    return (host.bits() ^ key) * 0x9E3779B97F4A7C15U;
}

// What makes two errors identical, as a number. `packet` is as its sender sent it.
std::uint64_t identity_of(const Packet& packet, const Ipv4Header& ip, std::uint64_t key) noexcept {
    constexpr std::uint64_t kFirst = 0x9E3779B97F4A7C15U;
    constexpr std::uint64_t kSecond = 0xBF58476D1CE4E5B9U;
    const bool is_probe = class_of(packet) == IcmpErrorClass::time_exceeded;
    const bool is_query = ip.protocol == static_cast<std::uint8_t>(Protocol::icmp);
    // Ports, or the 8 bytes that every error quotes.
    std::array<std::uint32_t, 2> transport{};
    const auto bytes = packet.bytes().subspan(packet.l4);
    std::memcpy(transport.data(), bytes.data(),
                std::min<std::size_t>(bytes.size(), is_probe || is_query ? 8 : 4));
    const std::uint64_t kind = std::uint64_t{packet.icmp_type} << 24U |
                               std::uint64_t{packet.icmp_code} << 16U |
                               std::uint64_t{ip.protocol} << 8U |
                               (is_probe ? std::uint64_t{ip.identification.raw()} << 32U : 0);
    std::uint64_t hash = (std::uint64_t{ip.source.raw()} << 32U | ip.destination.raw()) ^ key;
    hash = (hash ^ hash >> 31U) * kFirst;
    hash ^= std::uint64_t{transport[0]} << 32U | transport[1];
    hash = (hash ^ hash >> 29U) * kSecond;
    hash = (hash ^ kind ^ hash >> 32U) * kFirst;
    return hash ^ hash >> 29U;
}

// Where the checksum of the transport header stands, or 0 when it is not there.
std::size_t checksum_offset(const Packet& packet) noexcept {
    switch (packet.transport) {
        case TransportKind::tcp:
            return offsetof(TcpHeader, checksum);
        case TransportKind::udp:
            return offsetof(UdpHeader, checksum);
        case TransportKind::icmp_query:
            return offsetof(IcmpHeader, checksum);
        default:
            return 0;
    }
}

// Undoes what NAT did (N17): the sender knows its packet by what it sent.
void restore_original(Packet& packet, Ipv4Header& ip) noexcept {
    ChecksumDelta addresses;
    addresses.replace(ip.source, packet.original_source_address.wire());
    addresses.replace(ip.destination, packet.original_destination_address.wire());
    ip.source = packet.original_source_address.wire();
    ip.destination = packet.original_destination_address.wire();
    ip.checksum = update_checksum(ip.checksum, addresses);
    if (packet.was_reidentified) {
        ChecksumDelta identification;
        identification.replace(ip.identification, packet.replacement_identification);
        ip.identification = packet.replacement_identification;
        ip.checksum = update_checksum(ip.checksum, identification);
    }

    const std::size_t offset = checksum_offset(packet);
    auto* checksum = header_at<be16>(packet.bytes(), packet.l4 + offset);
    if (offset == 0 || checksum == nullptr) {
        return;
    }
    ChecksumDelta ports;
    if (packet.transport == TransportKind::icmp_query) {
        auto& icmp = packet.header<IcmpHeader>(packet.l4);
        const be16 identifier = packet.original_destination_port.wire();
        ports.replace(icmp.identifier, identifier);
        icmp.identifier = identifier;
        *checksum = update_checksum(*checksum, ports);
        return;
    }
    auto& header = packet.header<UdpHeader>(packet.l4);  // TCP has its ports in the same place
    ports.replace(header.source_port, packet.original_source_port.wire());
    ports.replace(header.destination_port, packet.original_destination_port.wire());
    ports.add(addresses);
    header.source_port = packet.original_source_port.wire();
    header.destination_port = packet.original_destination_port.wire();
    *checksum = packet.transport == TransportKind::udp ? update_udp_checksum(*checksum, ports)
                                                       : update_checksum(*checksum, ports);
}

// The address that the sender knows us by on the interface that received the packet; any other of
// ours when that interface has none. Unspecified when we have none at all.
Ipv4Address reporting_address(const InterfaceTable& interfaces, InterfaceId ingress,
                              Ipv4Address sender) noexcept {
    const Interface& receiving = interfaces[ingress];
    for (const InterfaceAddress& own : receiving.addresses()) {
        if (own.prefix.contains(sender)) {
            return own.address;
        }
    }
    if (receiving.address_count > 0) {
        return receiving.address_storage[0].address;
    }
    for (const Interface& interface : interfaces.all()) {
        if (interface.address_count > 0) {
            return interface.address_storage[0].address;
        }
    }
    return Ipv4Address{};
}

void write_error(Packet& packet, Ipv4Address from, Ipv4Address to) noexcept {
    const std::size_t quoted_bytes =
        std::min<std::size_t>(packet.length - std::size_t{packet.l3}, kQuoteMax_bytes);
    constexpr std::size_t kHeaders_bytes = sizeof(EthernetHeader) + kInFront_bytes;
    packet.head = static_cast<std::uint16_t>(packet.head + packet.l3 - kHeaders_bytes);
    packet.length = static_cast<std::uint16_t>(kHeaders_bytes + quoted_bytes);
    packet.l3 = sizeof(EthernetHeader);
    packet.l4 = sizeof(EthernetHeader) + sizeof(Ipv4Header);

    auto& ip = packet.header<Ipv4Header>(packet.l3);
    ip = {};
    ip.version_and_ihl = 0x45;
    ip.dscp_and_ecn = 0xC0;  // internetwork control: RFC 1812 section 4.3.2.5
    ip.total_length_bytes = be16{static_cast<std::uint16_t>(kInFront_bytes + quoted_bytes)};
    // Atomic, so the identification means nothing (RFC 6864); 576 bytes fit every link.
    ip.flags_and_offset = be16{kIpv4FlagDontFragment};
    ip.ttl = 64;
    ip.protocol = static_cast<std::uint8_t>(Protocol::icmp);
    ip.source = from.wire();
    ip.destination = to.wire();
    ip.checksum = full_checksum(packet.bytes().subspan(packet.l3, sizeof(Ipv4Header)));

    auto& icmp = packet.header<IcmpHeader>(packet.l4);
    icmp = {packet.icmp_type, packet.icmp_code, be16{}, be16{}, be16{packet.icmp_mtu_bytes}};
    icmp.checksum = full_checksum(packet.bytes().subspan(packet.l4));
}

void become_originated(Packet& packet) noexcept {
    packet.ip_protocol = static_cast<std::uint8_t>(Protocol::icmp);
    packet.transport = TransportKind::icmp_error;
    packet.fragment = FragmentKind::whole;
    packet.source_port = Port{};
    packet.destination_port = Port{};
    packet.is_originated = true;
    packet.is_hairpin = false;
    packet.was_rewritten_inbound = false;
    packet.replaces_identification = false;
    packet.was_reidentified = false;
}

void report(IcmpErrorState& state, Batch& batch, PacketIndex index, Now now) noexcept {
    Packet& packet = batch[index];
    auto& ip = packet.header<Ipv4Header>(packet.l3);
    if (packet.was_rewritten_inbound) {
        restore_original(packet, ip);
    }
    const Ipv4Address sender{ip.source};
    const Ipv4Address from = reporting_address(*state.view.interfaces, packet.ingress, sender);
    const Route& route = state.view.routes->find(sender);
    const bool is_routable = route.kind == RouteKind::connected || route.kind == RouteKind::via;
    if (!is_answerable(packet, ip, state.view) || from.is_unspecified() || !is_routable ||
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
    packet.next_hop = route.kind == RouteKind::via ? route.next_hop : sender;
    batch.put(index, Lane::link);
}

}  // namespace

void icmp_error_stage(IcmpErrorState& state, Batch& batch, Now now) noexcept {
    PacketList& lane = batch.lane(Lane::icmp_error);
    for (const PacketIndex index : lane) {
        report(state, batch, index, now);
    }
    lane.clear();
}

}  // namespace towpath::route
