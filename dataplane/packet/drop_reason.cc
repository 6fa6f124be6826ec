// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/drop_reason.h"

#include <array>

#include "dataplane/wire/assertion.h"

namespace towpath {
namespace {

using enum DropReason;

constexpr std::array<DropReasonText, kDropReasonCount> kTexts{{
    {none, "none", "The packet was not dropped."},
    {frame_truncated, "frame_truncated",
     "The frame ends before its Ethernet header or its tags do."},
    {frame_vlan_unknown, "frame_vlan_unknown",
     "The frame carries a VLAN tag that no interface is configured for."},
    {frame_not_for_us, "frame_not_for_us",
     "The destination MAC is another station's; expected on a flooded or mirrored link."},
    {frame_bad_source, "frame_bad_source",
     "The source MAC is a group address or our own: look for a loop."},
    {frame_type_unknown, "frame_type_unknown", "The EtherType is neither IPv4 nor ARP."},
    {frame_unicast_in_group, "frame_unicast_in_group",
     "A unicast IPv4 packet came in a broadcast or multicast frame."},
    {multi_segment, "multi_segment",
     "The packet came in several buffers and could not be joined into one."},
    {l2_oversize, "l2_oversize",
     "The frame is longer than the interface's MTU: run ethtool -K PEER tso off gso off on the "
     "sending side of a veth or TAP."},
    {ipv4_bad_version, "ipv4_bad_version", "The IP version is not 4 under EtherType 0x0800."},
    {ipv4_bad_header_length, "ipv4_bad_header_length",
     "The IPv4 header length is below 20 bytes or beyond the packet."},
    {ipv4_bad_total_length, "ipv4_bad_total_length",
     "The IPv4 total length is below the header length or beyond the received bytes."},
    {ipv4_bad_checksum, "ipv4_bad_checksum",
     "The IPv4 header checksum is wrong: look for a damaged link."},
    {ipv4_ttl_zero, "ipv4_ttl_zero", "The packet arrived with a TTL of zero."},
    {ipv4_bad_source, "ipv4_bad_source",
     "The source is unspecified, loopback, multicast, reserved or broadcast."},
    {ipv4_bad_destination, "ipv4_bad_destination",
     "The destination is unspecified, loopback, multicast or reserved."},
    {ipv4_land, "ipv4_land", "Source and destination are the same address."},
    {ipv4_option_malformed, "ipv4_option_malformed", "An IPv4 option has an impossible length."},
    {ipv4_source_route, "ipv4_source_route", "The packet carries a source route option."},
    {tcp_truncated, "tcp_truncated", "The TCP segment is shorter than 20 bytes."},
    {tcp_bad_offset, "tcp_bad_offset",
     "The TCP data offset is below 20 bytes or beyond the segment."},
    {tcp_bad_flags, "tcp_bad_flags", "The TCP flags are a combination that no sender may use."},
    {tcp_port_zero, "tcp_port_zero", "The source or destination port of the segment is zero."},
    {udp_bad_length, "udp_bad_length", "The UDP length is below 8 bytes or beyond the IP payload."},
    {udp_port_zero, "udp_port_zero", "The source or destination port of the datagram is zero."},
    {icmp_truncated, "icmp_truncated", "The ICMP message is shorter than 8 bytes."},
    {icmp_bad_checksum, "icmp_bad_checksum", "The ICMP checksum is wrong."},
    {icmp_type_unsupported, "icmp_type_unsupported", "The ICMP type or code is not translated."},
    {protocol_unsupported, "protocol_unsupported", "The IP protocol is not TCP, UDP or ICMP."},
    {icmp_error_truncated, "icmp_error_truncated",
     "The ICMP error does not hold an IPv4 header and 8 bytes of what it reports about."},
    {icmp_error_fragmented, "icmp_error_fragmented", "The ICMP error is itself a fragment."},
    {icmp_error_bad_embedded, "icmp_error_bad_embedded",
     "The packet embedded in the ICMP error has a bad version or lengths."},
    {icmp_error_embedded_fragment, "icmp_error_embedded_fragment",
     "The packet embedded in the ICMP error is a later fragment and carries no ports."},
    {icmp_error_embedded_error, "icmp_error_embedded_error",
     "The ICMP error reports about another ICMP error."},
    {icmp_error_embedded_protocol, "icmp_error_embedded_protocol",
     "The packet embedded in the ICMP error is not TCP, UDP or ICMP."},
    {icmp_error_embedded_checksum, "icmp_error_embedded_checksum",
     "The IPv4 header embedded in the ICMP error has a wrong checksum."},
    {icmp_error_destination_mismatch, "icmp_error_destination_mismatch",
     "The ICMP error was not sent to the source of the packet that it embeds."},
    {icmp_error_no_mapping, "icmp_error_no_mapping",
     "The ICMP error is about a packet that no mapping knows."},
    {icmp_error_filtered, "icmp_error_filtered",
     "The ICMP error is about a remote that this mapping never contacted."},
    {icmp_error_mtu_bogus, "icmp_error_mtu_bogus",
     "The ICMP error claims a next-hop MTU below 68 bytes."},
    {icmp_error_rate, "icmp_error_rate",
     "More ICMP errors about one mapping than the rate limit allows."},
    {fragment_bad_length, "fragment_bad_length",
     "A fragment that is not the last has a length that is no multiple of 8."},
    {fragment_overflow, "fragment_overflow", "The fragment would end beyond 65535 bytes."},
    {fragment_empty, "fragment_empty", "The fragment carries no bytes."},
    {fragment_too_short, "fragment_too_short",
     "The first fragment is too short to carry its ports."},
    {fragment_tcp_offset_one, "fragment_tcp_offset_one",
     "A TCP fragment starts at byte 8: it would overwrite the header."},
    {fragment_overlap, "fragment_overlap",
     "Fragments of the datagram overlap or contradict each other; all later ones are dropped."},
    {fragment_refused, "fragment_refused",
     "The first fragment of the datagram was refused, so the others are."},
    {fragment_timeout, "fragment_timeout",
     "The first fragment of the datagram did not arrive in time."},
    {fragment_queue_full, "fragment_queue_full",
     "More fragments wait for a first one than the limit allows."},
    {fragment_contexts_full, "fragment_contexts_full",
     "More datagrams are in fragments at once than the limit allows."},
    {source_not_inside, "source_not_inside",
     "A packet from an inside interface has a source outside nat.source."},
    {source_is_pool, "source_is_pool",
     "The source is one of our own pool or interface addresses: look for a loop."},
    {source_is_inside, "source_is_inside", "A packet from outside claims an inside source."},
    {directed_broadcast, "directed_broadcast",
     "The destination is the broadcast address of a connected network."},
    {local_denied, "local_denied", "A packet for this box that local.allow does not list."},
    {local_rate_limited, "local_rate_limited",
     "More packets for this box than the rate limit of their class allows."},
    {local_no_host, "local_no_host",
     "A packet for this box on an interface that has no host side."},
    {host_port_not_reserved, "host_port_not_reserved",
     "The host sent from a port outside host-ports on an address that it shares with the NAT."},
    {ttl_expired, "ttl_expired", "The TTL ran out here; the sender was told by time exceeded."},
    {route_none, "route_none",
     "No route leads to the destination; an inside sender was told by network unreachable."},
    {route_too_big, "route_too_big",
     "The packet exceeds the MTU of the outgoing link and may not be fragmented; the sender was "
     "told."},
    {inbound_no_mapping, "inbound_no_mapping",
     "A packet from outside to a port that no mapping holds: scans, or a mapping that expired."},
    {inbound_filtered, "inbound_filtered",
     "The mapping exists but its filter does not admit this remote (nat.filtering)."},
    {nat_port_exhausted, "nat_port_exhausted",
     "No free port is left on the outside address for this protocol: add an address to nat.pool."},
    {nat_mapping_table_full, "nat_mapping_table_full",
     "The mapping table is full: raise nat.limits.mappings."},
    {nat_session_table_full, "nat_session_table_full",
     "The session table is full: raise nat.limits.sessions."},
    {nat_tcp_no_state, "nat_tcp_no_state",
     "A TCP segment that is no SYN belongs to no known session."},
    {nat_icmp_reply_unsolicited, "nat_icmp_reply_unsolicited",
     "An ICMP echo or timestamp reply from inside answers nothing that came from outside."},
    {handoff_full, "handoff_full",
     "The ring to the owning worker is full; the sender will retransmit."},
    {arp_malformed, "arp_malformed",
     "The ARP message is truncated or not about Ethernet and IPv4."},
    {arp_unsolicited, "arp_unsolicited", "An ARP reply that nobody asked for."},
    {arp_conflict, "arp_conflict",
     "Another station claims one of our addresses: look for a duplicate address."},
    {arp_from_host, "arp_from_host", "The host's own ARP reply; the data plane alone answers."},
    {neighbor_pending_full, "neighbor_pending_full",
     "Too many packets wait for the next hop's MAC address."},
    {neighbor_unreachable, "neighbor_unreachable", "The next hop does not answer ARP."},
    {no_buffer, "no_buffer",
     "No free packet buffer: raise dataplane.buffers or look for a stuck link."},
    {port_down, "port_down", "The outgoing interface is gone or down."},
    {transmit_full, "transmit_full", "The transmit queue of the outgoing interface is full."},
    {punt_full, "punt_full", "The queue to the host is full."},
    {tunnel_malformed, "tunnel_malformed",
     "A datagram for a tunnel's port that is no WireGuard message by type, reserved bytes or "
     "length."},
    {handshake_no_identity, "handshake_no_identity",
     "A handshake message for a tunnel that has no private key: set private-key."},
    {handshake_queue_full, "handshake_queue_full",
     "Handshake messages arrive faster than they are answered: look for a flood."},
    {handshake_bad_mac1, "handshake_bad_mac1",
     "The sender of the handshake message does not know this tunnel's public key: compare keys, or "
     "a scan."},
    {handshake_budget, "handshake_budget",
     "More handshake messages than a worker may spend a tenth of its time on: look for a flood."},
    {tunnel_unknown_index, "tunnel_unknown_index",
     "Transport data for a session that is not here: it ended, or the peer still uses one from "
     "before a restart here."},
    {tunnel_session_expired, "tunnel_session_expired",
     "Transport data under a key that is older than 180 seconds."},
    {tunnel_bad_tag, "tunnel_bad_tag",
     "Transport data that fails authentication: damaged or forged."},
    {tunnel_counter_exhausted, "tunnel_counter_exhausted",
     "Transport data with a counter beyond the last that a key may use."},
    {tunnel_replay, "tunnel_replay",
     "Transport data that was received before, or that is too old to tell: look for duplication or "
     "heavy reordering."},
    {tunnel_not_ip, "tunnel_not_ip", "What the peer sealed is neither an IPv4 nor an IPv6 packet."},
    {tunnel_inner_length, "tunnel_inner_length",
     "The length in the inner packet's header is below its minimum or beyond what was sealed."},
    {tunnel_down, "tunnel_down", "The tunnel's interface is down."},
    {admit_source_not_allowed, "admit_source_not_allowed",
     "The inner source is not among the sending peer's allowed IPs: compare allowed-ips on both "
     "sides."},
    {seal_no_peer, "seal_no_peer",
     "No peer of the tunnel has the destination among its allowed IPs; the sender was told."},
    {seal_no_endpoint, "seal_no_endpoint",
     "The peer's endpoint is not known: configure one, or wait for the peer to call; the sender "
     "was told."},
    {seal_endpoint_in_tunnel, "seal_endpoint_in_tunnel",
     "The way to the peer's endpoint leads into a tunnel: give the endpoint a route outside it."},
    {seal_no_route, "seal_no_route", "No route leads to the peer's endpoint."},
    {seal_no_room, "seal_no_room",
     "The buffer has no room for the tunnel's headers and tag: the packet is longer than the "
     "tunnel's MTU."},
    {staging_full, "staging_full",
     "Packets for peers without a session fill the room that all of them have together: look for a "
     "scan or a peer that is away."},
    {staging_replaced, "staging_replaced",
     "The oldest of 128 packets that wait for a peer's session gave way to a new one."},
    {staging_abandoned, "staging_abandoned",
     "The packet waited for a session that did not come about, or its peer was removed."},
}};

constexpr bool rows_are_in_order() {
    for (std::size_t index = 0; index < kTexts.size(); ++index) {
        if (static_cast<std::size_t>(kTexts[index].reason) != index) {
            return false;
        }
    }
    return true;
}
static_assert(rows_are_in_order());

}  // namespace

const DropReasonText& describe(DropReason reason) noexcept {
    TOWPATH_ASSERT(reason < count);
    return kTexts[static_cast<std::size_t>(reason)];
}

}  // namespace towpath
