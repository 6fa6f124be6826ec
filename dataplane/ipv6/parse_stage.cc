// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipv6/parse_stage.h"

#include <span>

#include "dataplane/ipv6/extension_headers.h"
#include "dataplane/parse/transport.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/icmpv6.h"
#include "dataplane/wire/ipv6.h"

namespace towpath::ipv6 {
namespace {

// RFC 8200 section 3: after this the header and the payload lie inside the window, which ends with
// the payload.
DropReason check_header(Packet& packet) noexcept {
    const std::span<const std::byte> bytes = packet.bytes().subspan(packet.l3);
    const auto* ip = header_at<Ipv6Header>(bytes, 0);
    if (ip == nullptr) {
        return DropReason::frame_truncated;
    }
    if (ip->version() != 6) {
        return DropReason::ipv6_bad_version;
    }
    const std::size_t payload_bytes = ip->payload_length_bytes.host();
    const bool is_jumbo =  // RFC 2675: the length is in an option, and no link here carries it
        payload_bytes == 0 && ip->next_header != static_cast<std::uint8_t>(NextHeader::none);
    if (payload_bytes > bytes.size() - sizeof(Ipv6Header) || is_jumbo) {
        return DropReason::ipv6_bad_payload_length;
    }
    packet.length = static_cast<std::uint16_t>(packet.l3 + sizeof(Ipv6Header) + payload_bytes);
    return DropReason::none;
}

// RFC 4291 section 2.5. The unspecified source is let pass to a group only: it asks whether its
// address is free (RFC 4862 section 5.4).
DropReason check_addresses(const Ipv6Header& ip, const EthernetHeader& ethernet) noexcept {
    const bool is_to_group = is_multicast(ip.destination);
    if (is_multicast(ip.source) || ip.source == ip.destination ||
        (is_martian(ip.source) && !(is_to_group && is_unspecified(ip.source)))) {
        return DropReason::ipv6_bad_source;
    }
    if (is_martian(ip.destination)) {
        return DropReason::ipv6_bad_destination;
    }
    return ethernet.destination.is_group() && !is_to_group ? DropReason::frame_unicast_in_group
                                                           : DropReason::none;
}

bool is_neighbor_discovery(const Packet& packet) noexcept {
    if (packet.transport != TransportKind::unknown ||
        packet.ip_protocol != static_cast<std::uint8_t>(NextHeader::icmpv6)) {
        return false;
    }
    const auto* icmp = header_at<Icmpv6Header>(packet.bytes(), packet.l4);
    return icmp != nullptr &&
           icmp->type >= static_cast<std::uint8_t>(Icmpv6Type::router_solicitation) &&
           icmp->type <= static_cast<std::uint8_t>(Icmpv6Type::redirect);
}

// Leaves neighbour discovery as TransportKind::unknown.
DropReason read_icmpv6(Packet& packet) noexcept {
    const std::span<const std::byte> message = packet.bytes().subspan(packet.l4);
    const bool is_whole = packet.fragment == FragmentKind::whole;
    const auto* icmp = header_at<Icmpv6Header>(message, 0);
    if (icmp == nullptr) {
        return is_whole ? DropReason::icmp_truncated : DropReason::fragment_too_short;
    }
    const auto& ip = packet.header<Ipv6Header>(packet.l3);
    if (is_whole && !checksum_is_valid(
                        message, pseudo_header_sum(ip.source, ip.destination, packet.ip_protocol,
                                                   static_cast<std::uint32_t>(message.size())))) {
        return DropReason::icmp_bad_checksum;
    }
    switch (static_cast<Icmpv6Type>(icmp->type)) {
        case Icmpv6Type::destination_unreachable:
        case Icmpv6Type::packet_too_big:
        case Icmpv6Type::time_exceeded:
        case Icmpv6Type::parameter_problem:
            packet.transport = TransportKind::icmp_error;
            return DropReason::none;
        case Icmpv6Type::echo_request:
        case Icmpv6Type::echo_reply:
            packet.transport = TransportKind::icmp_query;
            packet.source_port = Port{static_cast<std::uint16_t>(icmp->body.host() >> 16U)};
            packet.destination_port = packet.source_port;
            return DropReason::none;
        case Icmpv6Type::router_solicitation:
        case Icmpv6Type::router_advertisement:
        case Icmpv6Type::neighbor_solicitation:
        case Icmpv6Type::neighbor_advertisement:
        case Icmpv6Type::redirect:
            return is_whole ? DropReason::none : DropReason::nd_malformed;  // RFC 6980 section 5
    }
    return is_multicast(ip.destination) ? DropReason::ipv6_multicast  // listeners' reports
                                        : DropReason::icmp_type_unsupported;
}

DropReason read_transport(Packet& packet) noexcept {
    if (packet.fragment == FragmentKind::later) {
        return DropReason::none;
    }
    switch (packet.ip_protocol) {
        case static_cast<std::uint8_t>(Protocol::tcp):
            return parse::read_tcp(packet);
        case static_cast<std::uint8_t>(Protocol::udp):
            return parse::read_udp(packet);
        case static_cast<std::uint8_t>(NextHeader::icmpv6):
            return read_icmpv6(packet);
        default:
            return DropReason::none;
    }
}

DropReason parse_packet(Packet& packet, const Interface& ingress) noexcept {
    packet.l3 = sizeof(EthernetHeader);
    packet.fragment = FragmentKind::whole;
    packet.transport = TransportKind::unknown;
    packet.source_port = Port{};
    packet.destination_port = Port{};
    if (!ingress.has_ipv6) {
        return DropReason::ipv6_not_enabled;
    }
    if (const DropReason reason = check_header(packet); reason != DropReason::none) {
        return reason;
    }
    const auto& ip = packet.header<Ipv6Header>(packet.l3);
    if (!packet.from_host) {
        if (const DropReason reason = check_addresses(ip, packet.header<EthernetHeader>(0));
            reason != DropReason::none) {
            return reason;
        }
    }
    const TransportPosition found = find_transport(packet.bytes().subspan(packet.l3));
    if (found.reason != DropReason::none) {
        return found.reason;
    }
    packet.ip_protocol = found.protocol;
    packet.l4 = static_cast<std::uint8_t>(packet.l3 + found.offset);
    packet.fragment = found.fragment;
    return read_transport(packet);
}

}  // namespace

void parse_stage(ParseState& state, Batch& batch, Now) noexcept {
    PacketList& lane = batch.lane(Lane::parse6);
    for (const PacketIndex index : lane) {
        Packet& packet = batch[index];
        const DropReason reason = parse_packet(packet, (*state.interfaces)[packet.ingress]);
        if (reason != DropReason::none) {
            batch.drop(index, reason);
        } else if (is_neighbor_discovery(packet)) {
            batch.put(index, Lane::neighbor6);
        } else if (!packet.from_host &&
                   is_multicast(packet.header<Ipv6Header>(packet.l3).destination)) {
            batch.drop(index, DropReason::ipv6_multicast);
        } else {
            batch.put(index, Lane::forward6);
        }
    }
    lane.clear();
}

}  // namespace towpath::ipv6
