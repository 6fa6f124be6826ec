// SPDX-License-Identifier: BSD-3-Clause
// Packets for tests in one readable line each:
//
//   Frame frame = udp({.source = "10.77.1.2", .source_port = 5000,
//                      .destination = "198.51.100.1", .destination_port = 53});
//   batch.admit(frame.packet, Lane::parse);
//
// A Frame owns the storage its Packet points into, with head and tail room like a real buffer, so
// it must outlive the batch. Checksums are right unless a test breaks them: change a header through
// ipv4(), tcp(), udp() or icmp(), then call seal_ipv4() if the header checksum should follow.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/packet/packet.h"
#include "dataplane/wire/arp.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/tcp.h"
#include "dataplane/wire/udp.h"

namespace towpath::builders {

inline constexpr std::size_t kHeadRoom = 128;
inline constexpr std::size_t kTailRoom = 64;
inline constexpr MacAddress kOurMac{{0x02, 0, 0, 0, 0, 0x01}};   // the port's
inline constexpr MacAddress kPeerMac{{0x02, 0, 0, 0, 0, 0x99}};  // the sender's
inline constexpr MacAddress kBroadcastMac{{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}};

// "10.77.1.2" as a value; aborts the test on a typing error.
inline Ipv4Address address(std::string_view text) {
    const Result<Ipv4Address> parsed = parse_ipv4_address(text);
    TOWPATH_ASSERT(parsed.has_value());
    return *parsed;
}
inline Ipv4Prefix prefix(std::string_view text) {
    const Result<Ipv4Prefix> parsed = parse_ipv4_prefix(text);
    TOWPATH_ASSERT(parsed.has_value());
    return *parsed;
}

// What a packet is made of. Everything has a default that passes parse.
struct Fields {
    std::string_view source = "10.77.1.2";
    std::uint16_t source_port = 40000;  // or the Identifier of an ICMP query
    std::string_view destination = "198.51.100.1";
    std::uint16_t destination_port = 443;
    std::uint8_t ttl = 64;
    std::uint8_t dscp_and_ecn = 0;
    std::uint16_t identification = 0x1234;
    bool dont_fragment = false;
    std::size_t payload_bytes = 16;
    std::vector<std::uint8_t> ip_options{};  // padded to a multiple of 4
    std::uint8_t tcp_flags = kTcpAck;
    std::uint32_t tcp_sequence = 1;
    std::uint32_t tcp_acknowledgement = 1;
    std::vector<std::uint8_t> tcp_options{};  // padded to a multiple of 4
    std::uint8_t icmp_code = 0;
    std::uint16_t icmp_sequence = 1;
    InterfaceId ingress{0};
    MacAddress source_mac = kPeerMac;
    MacAddress destination_mac = kOurMac;
};

class Frame {
public:
    // A frame of `length_bytes` zeros behind the head room.
    explicit Frame(std::size_t length_bytes, std::size_t capacity_bytes = 0)
        : capacity_{std::max(
              {capacity_bytes, kHeadRoom + length_bytes + kTailRoom, std::size_t{2304}})},
          storage_{std::make_unique<std::byte[]>(capacity_)} {
        packet.buffer = storage_.get();
        packet.handle = storage_.get();
        packet.head = kHeadRoom;
        packet.length = static_cast<std::uint16_t>(length_bytes);
        packet.capacity = static_cast<std::uint16_t>(capacity_);
    }

    // As parse would leave l3 and l4; parse sets them again.
    [[nodiscard]] EthernetHeader& ethernet() { return packet.header<EthernetHeader>(0); }
    [[nodiscard]] Ipv4Header& ipv4() { return packet.header<Ipv4Header>(packet.l3); }
    [[nodiscard]] TcpHeader& tcp() { return packet.header<TcpHeader>(packet.l4); }
    [[nodiscard]] UdpHeader& udp() { return packet.header<UdpHeader>(packet.l4); }
    [[nodiscard]] IcmpHeader& icmp() { return packet.header<IcmpHeader>(packet.l4); }
    [[nodiscard]] ArpHeader& arp() { return packet.header<ArpHeader>(14); }
    [[nodiscard]] std::span<std::byte> bytes() { return packet.bytes(); }
    [[nodiscard]] std::span<std::byte> transport() { return packet.bytes().subspan(packet.l4); }
    [[nodiscard]] std::span<std::byte> header() {
        return packet.bytes().subspan(packet.l3, ipv4().header_length_bytes());
    }
    // Sets total length from the window and the header checksum.
    Frame& seal_ipv4() {
        Ipv4Header& ip = ipv4();
        ip.total_length_bytes = be16{static_cast<std::uint16_t>(packet.length - packet.l3)};
        return seal_checksum();
    }
    Frame& seal_checksum() {
        ipv4().checksum = be16{};
        ipv4().checksum = full_checksum(header());
        return *this;
    }
    // The transport checksum, of a whole packet.
    Frame& seal_transport() {
        const Ipv4Header& ip = ipv4();
        const auto length_bytes = static_cast<std::uint16_t>(transport().size());
        const std::uint64_t pseudo =
            pseudo_header_sum(ip.source, ip.destination, ip.protocol, length_bytes);
        if (ip.protocol == static_cast<std::uint8_t>(Protocol::tcp)) {
            tcp().checksum = be16{};
            tcp().checksum = full_checksum(transport(), pseudo);
        } else if (ip.protocol == static_cast<std::uint8_t>(Protocol::udp)) {
            udp().checksum = be16{};
            const be16 sum = full_checksum(transport(), pseudo);
            udp().checksum = sum.raw() == 0 ? be16::from_raw(0xFFFF) : sum;
        } else {
            icmp().checksum = be16{};
            icmp().checksum = full_checksum(transport());
        }
        return *this;
    }

    Packet packet;

private:
    std::size_t capacity_;
    std::unique_ptr<std::byte[]> storage_;
};

// An IPv4 packet of any protocol with `transport_bytes` of zeros behind its header.
inline Frame ipv4(const Fields& fields, std::uint8_t protocol, std::size_t transport_bytes) {
    const std::size_t header_bytes = 20 + (fields.ip_options.size() + 3) / 4 * 4;
    Frame frame{14 + header_bytes + transport_bytes};
    frame.packet.ingress = fields.ingress;
    frame.packet.l3 = 14;
    frame.packet.l4 = static_cast<std::uint8_t>(14 + header_bytes);
    frame.ethernet() = {fields.destination_mac, fields.source_mac, be16{kEtherTypeIpv4}};
    Ipv4Header& ip = frame.ipv4();
    ip.version_and_ihl = static_cast<std::uint8_t>(0x40 | header_bytes / 4);
    ip.dscp_and_ecn = fields.dscp_and_ecn;
    ip.identification = be16{fields.identification};
    ip.flags_and_offset = be16{fields.dont_fragment ? kIpv4FlagDontFragment : std::uint16_t{0}};
    ip.ttl = fields.ttl;
    ip.protocol = protocol;
    ip.source = address(fields.source).wire();
    ip.destination = address(fields.destination).wire();
    if (!fields.ip_options.empty()) {
        std::memcpy(frame.header().data() + 20, fields.ip_options.data(), fields.ip_options.size());
    }
    frame.seal_ipv4();
    return frame;
}

inline void fill_payload(std::span<std::byte> payload) {
    for (std::size_t index = 0; index < payload.size(); ++index) {
        payload[index] = static_cast<std::byte>(index * 7 + 1);
    }
}

inline Frame udp(const Fields& fields = {}) {
    Frame frame = ipv4(fields, 17, 8 + fields.payload_bytes);
    fill_payload(frame.transport().subspan(8));
    frame.udp() = {be16{fields.source_port}, be16{fields.destination_port},
                   be16{static_cast<std::uint16_t>(8 + fields.payload_bytes)}, be16{}};
    frame.seal_transport();
    return frame;
}

inline Frame tcp(const Fields& fields = {}) {
    const std::size_t header_bytes = 20 + (fields.tcp_options.size() + 3) / 4 * 4;
    Frame frame = ipv4(fields, 6, header_bytes + fields.payload_bytes);
    fill_payload(frame.transport().subspan(header_bytes));
    TcpHeader& header = frame.tcp();
    header.source_port = be16{fields.source_port};
    header.destination_port = be16{fields.destination_port};
    header.sequence = be32{fields.tcp_sequence};
    header.acknowledgement = be32{fields.tcp_acknowledgement};
    header.data_offset_and_reserved = static_cast<std::uint8_t>(header_bytes / 4 << 4U);
    header.flags = fields.tcp_flags;
    header.window = be16{std::uint16_t{64000}};
    if (!fields.tcp_options.empty()) {
        std::memcpy(frame.transport().data() + 20, fields.tcp_options.data(),
                    fields.tcp_options.size());
    }
    frame.seal_transport();
    return frame;
}

inline Frame icmp_query(const Fields& fields, IcmpType type) {
    Frame frame = ipv4(fields, 1, 8 + fields.payload_bytes);
    fill_payload(frame.transport().subspan(8));
    frame.icmp() = {static_cast<std::uint8_t>(type), fields.icmp_code, be16{},
                    be16{fields.source_port}, be16{fields.icmp_sequence}};
    frame.seal_transport();
    return frame;
}
inline Frame icmp_echo(const Fields& fields = {}) {
    return icmp_query(fields, IcmpType::echo_request);
}
inline Frame icmp_echo_reply(const Fields& fields = {}) {
    return icmp_query(fields, IcmpType::echo_reply);
}

// An ICMP error that embeds the first `quoted_bytes` of the IPv4 packet in `about`.
inline Frame icmp_error(const Fields& fields, Frame& about, IcmpType type, std::uint8_t code,
                        std::uint16_t mtu_bytes = 0, std::size_t quoted_bytes = 28) {
    const std::span<const std::byte> quoted = about.bytes().subspan(
        about.packet.l3,
        std::min<std::size_t>(quoted_bytes, about.packet.length - std::size_t{about.packet.l3}));
    Frame frame = ipv4(fields, 1, 8 + quoted.size());
    frame.icmp() = {static_cast<std::uint8_t>(type), code, be16{}, be16{}, be16{mtu_bytes}};
    std::memcpy(frame.transport().data() + 8, quoted.data(), quoted.size());
    frame.seal_transport();
    return frame;
}

// The piece [offset_bytes, offset_bytes + length_bytes) of the payload of `whole`; offset_bytes is
// a multiple of 8. MF is set unless the piece ends the payload.
inline Frame fragment_of(Frame& whole, std::size_t offset_bytes, std::size_t length_bytes) {
    const std::span<const std::byte> payload = whole.transport();
    TOWPATH_ASSERT(offset_bytes <= payload.size());
    length_bytes = std::min(length_bytes, payload.size() - offset_bytes);
    const std::size_t headers_bytes = whole.packet.l4;
    Frame frame{headers_bytes + length_bytes};
    frame.packet.ingress = whole.packet.ingress;
    frame.packet.l3 = whole.packet.l3;
    frame.packet.l4 = whole.packet.l4;
    std::memcpy(frame.bytes().data(), whole.bytes().data(), headers_bytes);
    std::memcpy(frame.bytes().data() + headers_bytes, payload.data() + offset_bytes, length_bytes);
    const bool is_last = offset_bytes + length_bytes == payload.size();
    frame.ipv4().flags_and_offset = be16{static_cast<std::uint16_t>(
        (is_last ? 0U : unsigned{kIpv4FlagMoreFragments}) | offset_bytes / 8U)};
    frame.seal_ipv4();
    return frame;
}
// All pieces of `whole`, `piece_bytes` of payload each (a multiple of 8), in order.
inline std::vector<Frame> fragments_of(Frame& whole, std::size_t piece_bytes) {
    std::vector<Frame> pieces;
    for (std::size_t offset = 0; offset < whole.transport().size(); offset += piece_bytes) {
        pieces.push_back(fragment_of(whole, offset, piece_bytes));
    }
    return pieces;
}

struct ArpFields {
    std::uint16_t operation = kArpRequest;
    MacAddress sender_mac = kPeerMac;
    std::string_view sender = "10.77.1.2";
    MacAddress target_mac{};
    std::string_view target = "10.77.1.1";
    MacAddress destination_mac = kBroadcastMac;
    InterfaceId ingress{0};
};

inline Frame arp(const ArpFields& fields = {}) {
    Frame frame{60};
    frame.packet.ingress = fields.ingress;
    frame.ethernet() = {fields.destination_mac, fields.sender_mac, be16{kEtherTypeArp}};
    frame.arp() = {be16{kArpHardwareEthernet},
                   be16{kEtherTypeIpv4},
                   6,
                   4,
                   be16{fields.operation},
                   fields.sender_mac,
                   address(fields.sender).wire(),
                   fields.target_mac,
                   address(fields.target).wire()};
    return frame;
}

}  // namespace towpath::builders
