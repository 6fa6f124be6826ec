// SPDX-License-Identifier: BSD-3-Clause
// IPv6 packets for tests in one readable line each, as in packet_builder.h.
#pragma once

#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/wire/icmpv6.h"
#include "dataplane/wire/ip_address.h"
#include "dataplane/wire/ipv6.h"
#include "dataplane/wire/ipv6_address.h"
#include "tests/builders/packet_builder.h"

namespace towpath::builders {

inline Ipv6Address address6(std::string_view text) {
    const Result<Ipv6Address> parsed = parse_ipv6_address(text);
    TOWPATH_ASSERT(parsed.has_value());
    return *parsed;
}
inline Ipv6Prefix prefix6(std::string_view text) {
    const Result<IpPrefix> parsed = parse_ip_prefix(text);
    TOWPATH_ASSERT(parsed.has_value() && parsed->address().is_ipv6());
    return {parsed->address().ipv6(), parsed->length()};
}

struct Ipv6Fields {
    std::string_view source = "2001:db8:1::2";
    std::string_view destination = "2001:db8:3::2";
    std::uint16_t source_port = 40000;  // or the Identifier of an echo
    std::uint16_t destination_port = 443;
    std::uint8_t hop_limit = 64;
    std::size_t payload_bytes = 16;
    // Complete extension headers; the last one's next header is set to the transport.
    std::vector<std::uint8_t> extensions{};
    std::uint8_t first_extension = 0;   // its number
    std::size_t last_extension_at = 0;  // where in `extensions` it begins
    InterfaceId ingress{0};
    MacAddress source_mac = kPeerMac;
    MacAddress destination_mac = kOurMac;
};

inline Ipv6Header& ip6(Frame& frame) {
    return frame.packet.header<Ipv6Header>(14);
}

// A packet of any protocol with `transport_bytes` of zeros behind its extension headers.
inline Frame packet6(const Ipv6Fields& fields, std::uint8_t protocol, std::size_t transport_bytes) {
    const std::size_t payload_bytes = fields.extensions.size() + transport_bytes;
    Frame frame{14 + sizeof(Ipv6Header) + payload_bytes};
    frame.packet.ingress = fields.ingress;
    frame.packet.l3 = 14;
    frame.packet.l4 = static_cast<std::uint8_t>(14 + sizeof(Ipv6Header) + fields.extensions.size());
    frame.ethernet() = {fields.destination_mac, fields.source_mac, be16{kEtherTypeIpv6}};
    ip6(frame) = {ipv6_first_word(0),
                  be16{static_cast<std::uint16_t>(payload_bytes)},
                  fields.extensions.empty() ? protocol : fields.first_extension,
                  fields.hop_limit,
                  address6(fields.source),
                  address6(fields.destination)};
    if (!fields.extensions.empty()) {
        const std::span<std::byte> behind = frame.bytes().subspan(54);
        std::memcpy(behind.data(), fields.extensions.data(), fields.extensions.size());
        behind[fields.last_extension_at] = std::byte{protocol};
    }
    return frame;
}

inline void seal_transport6(Frame& frame, std::uint8_t protocol, be16& checksum) {
    checksum = be16{};
    checksum = full_checksum(
        frame.transport(), pseudo_header_sum(ip6(frame).source, ip6(frame).destination, protocol,
                                             static_cast<std::uint32_t>(frame.transport().size())));
}

inline Frame udp6(const Ipv6Fields& fields = {}) {
    Frame frame = packet6(fields, 17, 8 + fields.payload_bytes);
    fill_payload(frame.transport().subspan(8));
    frame.udp() = {be16{fields.source_port}, be16{fields.destination_port},
                   be16{static_cast<std::uint16_t>(8 + fields.payload_bytes)}, be16{}};
    seal_transport6(frame, 17, frame.udp().checksum);
    return frame;
}

inline Frame tcp6(const Ipv6Fields& fields, std::uint8_t flags) {
    Frame frame = packet6(fields, 6, 20 + fields.payload_bytes);
    frame.tcp().source_port = be16{fields.source_port};
    frame.tcp().destination_port = be16{fields.destination_port};
    frame.tcp().data_offset_and_reserved = 0x50;
    frame.tcp().flags = flags;
    seal_transport6(frame, 6, frame.tcp().checksum);
    return frame;
}

inline Frame icmp6(const Ipv6Fields& fields, Icmpv6Type type, std::uint8_t code = 0) {
    Frame frame = packet6(fields, 58, 8 + fields.payload_bytes);
    fill_payload(frame.transport().subspan(8));
    auto& icmp = frame.packet.header<Icmpv6Header>(frame.packet.l4);
    icmp = {static_cast<std::uint8_t>(type), code, be16{},
            be32{std::uint32_t{fields.source_port} << 16U}};
    seal_transport6(frame, 58, icmp.checksum);
    return frame;
}

struct NeighborFields {
    Icmpv6Type type = Icmpv6Type::neighbor_solicitation;
    std::string_view source = "2001:db8:1::2";
    std::string_view destination = "ff02::1:ff00:1";
    std::string_view target = "2001:db8:1::1";
    std::uint32_t flags = 0;
    bool has_option = true;
    std::uint8_t option_length = 1;  // in units of 8 bytes, of the one option
    std::uint8_t hop_limit = 255;
    MacAddress mac = kPeerMac;
    InterfaceId ingress{0};
};

inline Frame neighbor6(const NeighborFields& fields = {}) {
    const Ipv6Address destination = address6(fields.destination);
    const bool is_group = is_multicast(destination);
    Frame frame = packet6({.source = fields.source,
                           .destination = fields.destination,
                           .hop_limit = fields.hop_limit,
                           .ingress = fields.ingress,
                           .source_mac = fields.mac,
                           .destination_mac = is_group ? group_mac(destination) : kOurMac},
                          58, sizeof(NeighborMessage) + (fields.has_option ? 8 : 0));
    auto& message = frame.packet.header<NeighborMessage>(frame.packet.l4);
    message = {static_cast<std::uint8_t>(fields.type), 0, be16{}, be32{fields.flags},
               address6(fields.target)};
    if (fields.has_option) {
        const bool is_question = fields.type == Icmpv6Type::neighbor_solicitation;
        frame.packet.header<LinkAddressOption>(frame.packet.l4 + sizeof(NeighborMessage)) = {
            static_cast<std::uint8_t>(is_question ? 1 : 2), fields.option_length, fields.mac};
    }
    seal_transport6(frame, 58, message.checksum);
    return frame;
}

}  // namespace towpath::builders
