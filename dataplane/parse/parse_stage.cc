// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/parse/parse_stage.h"

#include <span>

#include "dataplane/parse/ordinary_frame.h"
#include "dataplane/parse/transport.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"

namespace towpath::parse {
namespace {

constexpr Ipv4Address kLimitedBroadcast{0xFFFFFFFFU};

// 26.1: who the frame is for, who sent it, what it carries. For frames from the wire.
DropReason check_frame(const Packet& packet, const EthernetHeader& ethernet,
                       const Interface& ingress) noexcept {
    if (packet.length > std::size_t{ingress.mtu_bytes} + sizeof(EthernetHeader)) {
        return DropReason::l2_oversize;
    }
    if (ethernet.destination != ingress.mac && !ethernet.destination.is_group()) {
        return DropReason::frame_not_for_us;
    }
    if (ethernet.source.is_group() || ethernet.source == ingress.mac) {
        return DropReason::frame_bad_source;
    }
    return DropReason::none;
}

DropReason refuse_ether_type(std::uint16_t ether_type) noexcept {
    constexpr std::uint16_t kProviderTag = 0x88A8;  // IEEE 802.1ad
    return ether_type == kEtherTypeVlan || ether_type == kProviderTag
               ? DropReason::frame_vlan_unknown
               : DropReason::frame_type_unknown;
}

// 26.2, structure: after this, header, options and total length lie inside the window, which ends
// with the total length.
DropReason check_header(Packet& packet) noexcept {
    const std::span<const std::byte> bytes = packet.bytes().subspan(packet.l3);
    const auto* ip = header_at<Ipv4Header>(bytes, 0);
    if (ip == nullptr) {
        return DropReason::frame_truncated;
    }
    if (ip->version() != 4) {
        return DropReason::ipv4_bad_version;
    }
    const std::size_t header_bytes = ip->header_length_bytes();
    const std::size_t total_bytes = ip->total_length_bytes.host();
    if (header_bytes < sizeof(Ipv4Header) || header_bytes > bytes.size()) {
        return DropReason::ipv4_bad_header_length;
    }
    if (total_bytes < header_bytes || total_bytes > bytes.size()) {
        return DropReason::ipv4_bad_total_length;
    }
    if (!checksum_is_valid(bytes.first(header_bytes))) {
        return DropReason::ipv4_bad_checksum;
    }
    packet.length = static_cast<std::uint16_t>(packet.l3 + total_bytes);
    packet.l4 = static_cast<std::uint8_t>(packet.l3 + header_bytes);
    packet.ip_protocol = ip->protocol;
    return DropReason::none;
}

bool is_directed_broadcast(Ipv4Address destination, const Interface& ingress) noexcept {
    for (const InterfaceAddress& own : ingress.addresses()) {
        if (own.prefix.length() < 31 && own.prefix.broadcast() == destination) {
            return true;
        }
    }
    return false;
}

DropReason check_addresses(const Ipv4Header& ip, const EthernetHeader& ethernet,
                           const Interface& ingress) noexcept {
    const Ipv4Address source{ip.source};
    const Ipv4Address destination{ip.destination};
    if (ip.ttl == 0) {
        return DropReason::ipv4_ttl_zero;
    }
    if (is_martian(source)) {
        return DropReason::ipv4_bad_source;
    }
    // The limited broadcast goes on: classify knows whether the host's DHCP client wants it.
    if (is_martian(destination) && destination != kLimitedBroadcast) {
        return DropReason::ipv4_bad_destination;
    }
    if (source == destination) {
        return DropReason::ipv4_land;
    }
    if (ethernet.destination.is_group() && destination != kLimitedBroadcast) {
        return is_directed_broadcast(destination, ingress) ? DropReason::directed_broadcast
                                                           : DropReason::frame_unicast_in_group;
    }
    return DropReason::none;
}

// RFC 791 section 3.1. ipv4_source_route for a loose or strict one (BAD-OPT-02).
DropReason check_options(std::span<const std::byte> options) noexcept {
    constexpr std::uint8_t kEnd = 0;
    constexpr std::uint8_t kNoOperation = 1;
    constexpr std::uint8_t kLooseSourceRoute = 131;
    constexpr std::uint8_t kStrictSourceRoute = 137;
    DropReason found = DropReason::none;
    for (std::size_t offset = 0; offset < options.size();) {
        const auto kind = std::to_integer<std::uint8_t>(options[offset]);
        if (kind == kEnd) {
            break;
        }
        if (kind == kNoOperation) {
            ++offset;
            continue;
        }
        if (options.size() - offset < 2) {
            return DropReason::ipv4_option_malformed;
        }
        const auto length = std::to_integer<std::size_t>(options[offset + 1]);
        if (length < 2 || length > options.size() - offset) {
            return DropReason::ipv4_option_malformed;
        }
        if (kind == kLooseSourceRoute || kind == kStrictSourceRoute) {
            found = DropReason::ipv4_source_route;
        }
        offset += length;
    }
    return found;
}

bool is_fragment(const Ipv4Header& ip) noexcept {
    return (ip.flags_and_offset.host() & (kIpv4FlagMoreFragments | kIpv4FragmentOffsetMask)) != 0;
}

// The host's packets leave as they are, so only their ports are of interest (N10), where they have
// any: not a later fragment, and long enough.
Lane accept_from_host(Packet& packet, const Ipv4Header& ip) noexcept {
    if (ip.fragment_offset_bytes() != 0) {
        packet.fragment = FragmentKind::later;
    }
    const auto* ports =
        header_at<be32>(std::span<const std::byte>{packet.bytes()}.subspan(packet.l4), 0);
    const bool is_tcp = ip.protocol == static_cast<std::uint8_t>(Protocol::tcp);
    const bool is_udp = ip.protocol == static_cast<std::uint8_t>(Protocol::udp);
    if (packet.fragment == FragmentKind::whole && ports != nullptr && (is_tcp || is_udp)) {
        packet.transport = is_tcp ? TransportKind::tcp : TransportKind::udp;
        packet.source_port = Port{static_cast<std::uint16_t>(ports->host() >> 16U)};
        packet.destination_port = Port{static_cast<std::uint16_t>(ports->host() & 0xFFFFU)};
    }
    return Lane::classify;
}

struct Verdict {
    Lane lane = Lane::drop;
    DropReason reason = DropReason::none;
};

Verdict parse_ipv4(Packet& packet, const EthernetHeader& ethernet,
                   const Interface& ingress) noexcept {
    packet.l3 = sizeof(EthernetHeader);
    packet.fragment = FragmentKind::whole;
    packet.transport = TransportKind::unknown;
    if (const DropReason reason = check_header(packet); reason != DropReason::none) {
        return {Lane::drop, reason};
    }
    const auto& ip = packet.header<Ipv4Header>(packet.l3);
    if (packet.from_host) {
        return {accept_from_host(packet, ip), DropReason::none};
    }
    if (const DropReason reason = check_addresses(ip, ethernet, ingress);
        reason != DropReason::none) {
        return {Lane::drop, reason};
    }
    if (packet.l4 != packet.l3 + sizeof(Ipv4Header)) {
        const DropReason reason = check_options(packet.bytes().subspan(
            packet.l3 + sizeof(Ipv4Header), packet.l4 - packet.l3 - sizeof(Ipv4Header)));
        if (reason != DropReason::none) {
            const bool is_told =
                reason == DropReason::ipv4_source_route && ingress.role == InterfaceRole::inside;
            return {is_told ? Lane::icmp_error : Lane::drop, reason};
        }
    }
    if (is_fragment(ip)) {
        return {Lane::fragment, DropReason::none};
    }
    const DropReason reason = read_transport(packet);
    return {reason == DropReason::none ? Lane::classify : Lane::drop, reason};
}

Verdict parse_frame(Packet& packet, const Interface& ingress) noexcept {
    if (packet.verdict != DropReason::none) {
        return {Lane::drop, packet.verdict};  // the port knows that this is not one whole frame
    }
    const auto* ethernet = header_at<EthernetHeader>(packet.bytes(), 0);
    if (ethernet == nullptr) {
        return {Lane::drop, DropReason::frame_truncated};
    }
    if (!packet.from_host) {
        if (const DropReason reason = check_frame(packet, *ethernet, ingress);
            reason != DropReason::none) {
            return {Lane::drop, reason};
        }
    }
    const std::uint16_t ether_type = ethernet->ether_type.host();
    if (ether_type == kEtherTypeIpv4) {
        return parse_ipv4(packet, *ethernet, ingress);
    }
    if (ether_type == kEtherTypeIpv6) {
        return {Lane::parse6, DropReason::none};
    }
    if (ether_type == kEtherTypeArp) {
        return {Lane::arp, DropReason::none};
    }
    return {Lane::drop, refuse_ether_type(ether_type)};
}

[[gnu::always_inline]] inline DropReason read_ordinary_transport(Packet& packet) noexcept {
    switch (packet.ip_protocol) {
        case static_cast<std::uint8_t>(Protocol::udp):
            return read_udp(packet);
        case static_cast<std::uint8_t>(Protocol::tcp):
            return read_tcp(packet);
        default:
            return read_transport(packet);
    }
}

[[gnu::noinline]] void parse_unusual(Batch& batch, PacketIndex index,
                                     const Interface& ingress) noexcept {
    const Verdict verdict = parse_frame(batch[index], ingress);
    if (verdict.lane == Lane::drop) {
        batch.drop(index, verdict.reason);
    } else if (verdict.lane == Lane::icmp_error) {
        batch.reject(index, verdict.reason,
                     static_cast<std::uint8_t>(IcmpType::destination_unreachable),
                     kIcmpSourceRouteFailed);
    } else {
        batch.put(index, verdict.lane);
    }
}

}  // namespace

[[gnu::noinline]] void parse_stage(State& state, Batch& batch, Now) noexcept {
    PacketList& lane = batch.lane(Lane::parse);
    const InterfaceTable& interfaces = *state.interfaces;
    for (const PacketIndex index : lane) {
        __builtin_prefetch(batch[index].data());
    }
    // The ports of a burst are few, and most often one.
    InterfaceId last = kNoInterface;
    OrdinaryFrame ordinary{Interface{}};
    for (const PacketIndex index : lane) {
        Packet& packet = batch[index];
        if (packet.ingress != last) {
            last = packet.ingress;
            ordinary = OrdinaryFrame{interfaces[last]};
        }
        if (!ordinary.accept(packet)) {
            parse_unusual(batch, index, interfaces[last]);
        } else if (const DropReason reason = read_ordinary_transport(packet);
                   reason == DropReason::none) {
            batch.put(index, Lane::classify);
        } else {
            batch.drop(index, reason);
        }
    }
    lane.clear();
}

}  // namespace towpath::parse
