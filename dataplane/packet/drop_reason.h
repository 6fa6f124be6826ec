// SPDX-License-Identifier: BSD-3-Clause
// Why a packet was dropped: one enumerator for every way in which the data path refuses one. The
// name is what counters, `towpath drops` and metrics print; the help is what an operator reads.
// Adding one: an enumerator here, a row in drop_reason.cc, a test that provokes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace towpath {

enum class DropReason : std::uint8_t {
    none = 0,
    // Ethernet (nat-behaviour.md 26.1).
    frame_truncated,
    frame_vlan_unknown,
    frame_not_for_us,
    frame_bad_source,
    frame_type_unknown,
    frame_unicast_in_group,
    multi_segment,
    l2_oversize,
    // IPv4 header and options (26.2, 26.3).
    ipv4_bad_version,
    ipv4_bad_header_length,
    ipv4_bad_total_length,
    ipv4_bad_checksum,
    ipv4_ttl_zero,
    ipv4_bad_source,
    ipv4_bad_destination,
    ipv4_land,
    ipv4_option_malformed,
    ipv4_source_route,
    // Transport headers (26.4 to 26.6).
    tcp_truncated,
    tcp_bad_offset,
    tcp_bad_flags,
    tcp_port_zero,
    udp_bad_length,
    udp_port_zero,
    icmp_truncated,
    icmp_bad_checksum,
    icmp_type_unsupported,
    protocol_unsupported,
    // ICMP errors and what they embed (26.7).
    icmp_error_truncated,
    icmp_error_fragmented,
    icmp_error_bad_embedded,
    icmp_error_embedded_fragment,
    icmp_error_embedded_error,
    icmp_error_embedded_protocol,
    icmp_error_embedded_checksum,
    icmp_error_destination_mismatch,
    icmp_error_no_mapping,
    icmp_error_filtered,
    icmp_error_mtu_bogus,
    icmp_error_rate,
    // Fragments (11.3, 11.4, 26.8).
    fragment_bad_length,
    fragment_overflow,
    fragment_empty,
    fragment_too_short,
    fragment_tcp_offset_one,
    fragment_overlap,
    fragment_refused,
    fragment_timeout,
    fragment_queue_full,
    fragment_contexts_full,
    // Datagrams to a tunnel's port in fragments (decisions.md W8).
    reassembly_full,
    reassembly_too_long,
    reassembly_timeout,
    // IPv6 (RFC 8200, RFC 4291).
    ipv6_not_enabled,
    ipv6_bad_version,
    ipv6_bad_payload_length,
    ipv6_bad_source,
    ipv6_bad_destination,
    ipv6_extension_malformed,
    ipv6_extension_too_long,
    ipv6_routing_header,
    ipv6_multicast,
    ipv6_link_local_transit,
    ipv6_from_outside,
    ipv6_no_exit,
    ipv6_local_fragment,
    // Who may talk to whom (decisions.md N18, BAD-IP-10 to 13).
    source_not_inside,
    source_is_pool,
    source_is_inside,
    directed_broadcast,
    local_denied,
    local_rate_limited,
    local_no_host,
    host_port_not_reserved,
    // Routing.
    ttl_expired,
    route_none,
    route_too_big,
    // NAT (section 16).
    inbound_no_mapping,
    inbound_filtered,
    nat_port_exhausted,
    nat_mapping_table_full,
    nat_session_table_full,
    nat_tcp_no_state,
    nat_icmp_reply_unsolicited,
    handoff_full,
    // Neighbours and links.
    arp_malformed,
    arp_unsolicited,
    arp_conflict,
    arp_from_host,
    nd_malformed,
    nd_unsolicited,
    nd_conflict,
    nd_from_host,
    nd_not_handled,
    neighbor_pending_full,
    neighbor_unreachable,
    no_buffer,
    port_down,
    transmit_full,
    punt_full,
    // Tunnels, inbound (wireguard.md 17 #1 to #8, #25 to #36; decisions.md W18).
    tunnel_malformed,
    handshake_no_identity,
    handshake_queue_full,
    handshake_bad_mac1,
    handshake_budget,
    tunnel_unknown_index,
    tunnel_session_expired,
    tunnel_bad_tag,
    tunnel_counter_exhausted,
    tunnel_replay,
    tunnel_not_ip,
    tunnel_inner_length,
    tunnel_down,
    admit_source_not_allowed,
    admit_not_advertised,
    tunnel_unsolicited,
    // Tunnels, outbound (17 #39 to #43; decisions.md W6, W7).
    seal_no_peer,
    seal_no_endpoint,
    seal_endpoint_in_tunnel,
    seal_no_route,
    seal_no_room,
    staging_full,
    staging_replaced,
    staging_abandoned,
    count,
};

inline constexpr std::size_t kDropReasonCount = static_cast<std::size_t>(DropReason::count);

struct DropReasonText {
    DropReason reason;
    std::string_view name;
    std::string_view help;  // one sentence, what it means and what to look at
};

// The row of a reason below `count`.
[[nodiscard]] const DropReasonText& describe(DropReason reason) noexcept;

}  // namespace towpath
