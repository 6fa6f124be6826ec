// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/outer_header.h"

#include "dataplane/wire/assertion.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/ipv6.h"
#include "dataplane/wire/payload_checksum.h"
#include "dataplane/wire/udp.h"
#include "dataplane/wireguard/same_buffer.h"

namespace towpath::wireguard {
namespace {

constexpr std::uint8_t kTtl = 64;
constexpr auto kUdp = static_cast<std::uint8_t>(Protocol::udp);

void write_ipv4(Packet& packet, const OuterPath& path, std::uint8_t dscp_and_ecn,
                be16 identification) noexcept {
    Ipv4Header ip{};
    ip.version_and_ihl = 0x45;
    ip.dscp_and_ecn = dscp_and_ecn;
    ip.total_length_bytes = be16{static_cast<std::uint16_t>(packet.length - packet.l3)};
    ip.identification = identification;
    ip.ttl = kTtl;
    ip.protocol = kUdp;
    ip.source = path.endpoint.local.is_ipv4() ? path.endpoint.local.ipv4().wire() : be32{};
    ip.destination = path.endpoint.remote.address.ipv4().wire();
    // From the values: to sum bytes that were written a moment ago in other widths waits for them.
    const std::uint64_t sum = be16{static_cast<std::uint16_t>(0x4500U | dscp_and_ecn)}.raw() +
                              std::uint64_t{ip.total_length_bytes.raw()} + identification.raw() +
                              be16{static_cast<std::uint16_t>(kTtl << 8U | kUdp)}.raw() +
                              ip.source.raw() + ip.destination.raw();
    ip.checksum = be16::from_raw(static_cast<std::uint16_t>(~fold_checksum(sum)));
    packet.header<Ipv4Header>(packet.l3) = ip;
}

void write_ipv6(Packet& packet, const OuterPath& path, std::uint8_t dscp_and_ecn) noexcept {
    auto& ip = packet.header<Ipv6Header>(packet.l3);
    const auto datagram_bytes = static_cast<std::uint16_t>(packet.length - packet.l4);
    ip.version_class_flow = ipv6_first_word(dscp_and_ecn);
    ip.payload_length_bytes = be16{datagram_bytes};
    ip.next_header = kUdp;
    ip.hop_limit = kTtl;
    ip.source = path.endpoint.local.is_ipv6() ? path.endpoint.local.ipv6() : Ipv6Address{};
    ip.destination = path.endpoint.remote.address.ipv6();
    // RFC 8200 section 8.1: mandatory, and zero is written as all ones.
    const be16 checksum =
        payload_checksum(packet.bytes().subspan(packet.l4),
                         pseudo_header_sum(ip.source, ip.destination, kUdp, datagram_bytes));
    packet.header<UdpHeader>(packet.l4).checksum =
        checksum.raw() == 0 ? be16::from_raw(0xFFFF) : checksum;
}

}  // namespace

void wrap(Packet& packet, const OuterPath& path, std::uint8_t dscp_and_ecn,
          IdentificationSource& identification) noexcept {
    TOWPATH_DEBUG_ASSERT(packet.head_room() >= kOuterRoom_bytes);
    const bool is_ipv4 = path.endpoint.remote.address.is_ipv4();
    const std::size_t ip_bytes = is_ipv4 ? sizeof(Ipv4Header) : sizeof(Ipv6Header);
    const std::size_t front_bytes = sizeof(EthernetHeader) + ip_bytes + sizeof(UdpHeader);
    const auto udp_bytes = static_cast<std::uint16_t>(packet.length + sizeof(UdpHeader));

    const auto head = static_cast<std::uint16_t>(packet.head - front_bytes);
    const auto length_bytes = static_cast<std::uint16_t>(packet.length + front_bytes);
    forget_all_but_buffer(packet);
    packet.head = head;
    packet.length = length_bytes;
    packet.l3 = sizeof(EthernetHeader);
    packet.l4 = static_cast<std::uint8_t>(sizeof(EthernetHeader) + ip_bytes);
    packet.ingress = path.tunnel;
    packet.ip_protocol = kUdp;
    packet.transport = TransportKind::udp;
    packet.source_port = path.local_port;
    packet.destination_port = path.endpoint.remote.port;
    packet.is_originated = true;
    packet.icmp_mtu_bytes = path.endpoint.path_mtu_bytes;

    packet.header<UdpHeader>(packet.l4) = {path.local_port.wire(), path.endpoint.remote.port.wire(),
                                           be16{udp_bytes}, be16{}};
    if (is_ipv4) {
        write_ipv4(packet, path, dscp_and_ecn,
                   identification.next(path.endpoint.remote.address.ipv4(), kUdp));
    } else {
        write_ipv6(packet, path, dscp_and_ecn);
    }
}

}  // namespace towpath::wireguard
