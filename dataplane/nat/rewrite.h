// SPDX-License-Identifier: BSD-3-Clause
// Changing a packet's own source or destination endpoint, with its checksums (RFC 3022 section 4,
// RFC 1624). Incremental throughout: a wrong transport checksum stays wrong (CK-10). TTL is not
// touched: who transmits does that.
#pragma once

#include "dataplane/nat/mapping.h"
#include "dataplane/packet/packet.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/tcp.h"
#include "dataplane/wire/udp.h"

namespace towpath::nat {

// The protocol by which a packet is mapped; `transport` is tcp, udp or icmp_query.
[[nodiscard]] inline Protocol protocol_of(const Packet& packet) noexcept {
    switch (packet.transport) {
        case TransportKind::tcp:
            return Protocol::tcp;
        case TransportKind::udp:
            return Protocol::udp;
        default:
            return Protocol::icmp;
    }
}

[[nodiscard]] inline bool has_transport_header(const Packet& packet) noexcept {
    return packet.fragment != FragmentKind::later;
}

// Flags of a TCP packet. A later fragment has none to see: it changes no state.
[[nodiscard]] inline std::uint8_t tcp_flags_of(const Packet& packet) noexcept {
    if (packet.transport != TransportKind::tcp || !has_transport_header(packet)) {
        return kTcpAck;
    }
    return packet.header<TcpHeader>(packet.l4).flags;
}

// As its sender sent it, for errors that quote it (decisions.md N17). The first rewrite of a packet
// records; the second half of a hairpin does not.
inline void record_original(Packet& packet, const Ipv4Header& ip) noexcept {
    if (packet.was_rewritten_inbound) {
        return;
    }
    packet.original_source_address = Ipv4Address{ip.source};
    packet.original_destination_address = Ipv4Address{ip.destination};
    packet.original_source_port = packet.source_port;
    packet.original_destination_port = packet.destination_port;
    packet.was_rewritten_inbound = true;
}

// The port word is the source port outbound and the destination port inbound; ICMP queries have one
// Identifier for both.
[[gnu::always_inline]] inline void rewrite_transport(Packet& packet, be16 port, bool is_source,
                                                     ChecksumDelta delta) noexcept {
    if (!has_transport_header(packet)) {
        return;  // CK-06: those bytes are payload
    }
    switch (packet.transport) {
        case TransportKind::tcp: {
            TcpHeader& tcp = packet.header<TcpHeader>(packet.l4);
            (is_source ? tcp.source_port : tcp.destination_port) = port;
            tcp.checksum = update_checksum(tcp.checksum, delta);
            break;
        }
        case TransportKind::udp: {
            UdpHeader& udp = packet.header<UdpHeader>(packet.l4);
            (is_source ? udp.source_port : udp.destination_port) = port;
            udp.checksum = update_udp_checksum(udp.checksum, delta);
            break;
        }
        case TransportKind::icmp_query: {
            IcmpHeader& icmp = packet.header<IcmpHeader>(packet.l4);
            icmp.identifier = port;
            icmp.checksum = update_checksum(icmp.checksum, delta);
            break;
        }
        case TransportKind::unknown:
        case TransportKind::icmp_error:
            break;
    }
}

// Gives a packet the outside endpoint of its sender's mapping.
inline void rewrite_source(Packet& packet, const Mapping& mapping) noexcept {
    Ipv4Header& ip = packet.header<Ipv4Header>(packet.l3);
    record_original(packet, ip);
    ip.source = mapping.outside_address.wire();
    ip.checksum = update_checksum(ip.checksum, ChecksumDelta{mapping.address_delta});
    rewrite_transport(packet, mapping.outside_port.wire(), true,
                      ChecksumDelta{mapping.transport_delta});
    packet.source_port = mapping.outside_port;
    if (packet.transport == TransportKind::icmp_query) {
        packet.destination_port = mapping.outside_port;
    }
}

// Gives a packet the inside endpoint of the mapping that it is addressed to.
inline void rewrite_destination(Packet& packet, const Mapping& mapping) noexcept {
    Ipv4Header& ip = packet.header<Ipv4Header>(packet.l3);
    record_original(packet, ip);
    ip.destination = mapping.inside_address().wire();
    ip.checksum = update_checksum(ip.checksum, ChecksumDelta{mapping.address_delta}.inverse());
    rewrite_transport(packet, mapping.inside_port().wire(), false,
                      ChecksumDelta{mapping.transport_delta}.inverse());
    packet.destination_port = mapping.inside_port();
    if (packet.transport == TransportKind::icmp_query) {
        packet.source_port = mapping.inside_port();
    }
}

// Returns what it was.
inline be16 rewrite_identification(Ipv4Header& ip, be16 identification) noexcept {
    const be16 before = ip.identification;
    ChecksumDelta delta;
    delta.replace(before, identification);
    ip.identification = identification;
    ip.checksum = update_checksum(ip.checksum, delta);
    return before;
}

}  // namespace towpath::nat
