// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat/reset.h"

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/tcp.h"

namespace towpath::nat {

namespace {

constexpr std::uint16_t kLength_bytes = sizeof(Ipv4Header) + sizeof(TcpHeader);
constexpr std::uint8_t kTtl = 64;

}  // namespace

void turn_into_reset(Packet& packet) noexcept {
    const Ipv4Header received_ip = packet.header<Ipv4Header>(packet.l3);
    const TcpHeader received = packet.header<TcpHeader>(packet.l4);
    const std::uint32_t payload_bytes =
        static_cast<std::uint32_t>(packet.length - packet.l4 - received.header_length_bytes());
    const bool has_ack = (received.flags & kTcpAck) != 0;
    const std::uint32_t occupied = payload_bytes + ((received.flags & kTcpSyn) != 0 ? 1U : 0U) +
                                   ((received.flags & kTcpFin) != 0 ? 1U : 0U);

    packet.l4 = static_cast<std::uint8_t>(packet.l3 + sizeof(Ipv4Header));
    packet.length = static_cast<std::uint16_t>(packet.l3 + kLength_bytes);
    Ipv4Header& ip = packet.header<Ipv4Header>(packet.l3);
    ip = Ipv4Header{};
    ip.version_and_ihl = 0x45;
    ip.total_length_bytes = be16{kLength_bytes};
    ip.flags_and_offset = be16{kIpv4FlagDontFragment};
    ip.ttl = kTtl;
    ip.protocol = static_cast<std::uint8_t>(Protocol::tcp);
    ip.source = received_ip.destination;
    ip.destination = received_ip.source;
    TcpHeader& tcp = packet.header<TcpHeader>(packet.l4);
    tcp = TcpHeader{};
    tcp.source_port = received.destination_port;
    tcp.destination_port = received.source_port;
    tcp.data_offset_and_reserved = (sizeof(TcpHeader) / 4) << 4U;
    if (has_ack) {
        tcp.flags = kTcpRst;
        tcp.sequence = received.acknowledgement;
    } else {
        tcp.flags = kTcpRst | kTcpAck;
        tcp.acknowledgement = be32{received.sequence.host() + occupied};
    }
    const std::span<const std::byte> bytes = packet.bytes();
    ip.checksum = full_checksum(bytes.subspan(packet.l3, sizeof(Ipv4Header)));
    tcp.checksum =
        full_checksum(bytes.subspan(packet.l4, sizeof(TcpHeader)),
                      pseudo_header_sum(ip.source, ip.destination, ip.protocol, sizeof(TcpHeader)));
    packet.source_port = Port{tcp.source_port};
    packet.destination_port = Port{tcp.destination_port};
    packet.is_originated = true;
    packet.checksum_is_partial = false;
}

}  // namespace towpath::nat
