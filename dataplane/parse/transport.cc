// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/parse/transport.h"

#include <span>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"

namespace towpath::parse {
namespace {

using Bytes = std::span<const std::byte>;

bool is_icmp_query(std::uint8_t type) noexcept {
    switch (static_cast<IcmpType>(type)) {
        case IcmpType::echo_reply:
        case IcmpType::echo_request:
        case IcmpType::timestamp_request:
        case IcmpType::timestamp_reply:
            return true;
        default:
            return false;
    }
}

bool is_icmp_error(std::uint8_t type) noexcept {
    switch (static_cast<IcmpType>(type)) {
        case IcmpType::destination_unreachable:
        case IcmpType::time_exceeded:
        case IcmpType::parameter_problem:
            return true;
        default:
            return false;
    }
}

// What of the message is the embedded packet: RFC 4884 may say where it ends. A length that cannot
// be right means that there is no extension (BAD-ICMP-18).
Bytes embedded_bytes(Bytes message) noexcept {
    constexpr std::size_t kPaddedMinimum_bytes = 128;
    const Bytes after = message.subspan(sizeof(IcmpHeader));
    const std::size_t claimed = std::to_integer<std::size_t>(message[5]) * 4;
    return claimed < kPaddedMinimum_bytes || claimed > after.size() ? after : after.first(claimed);
}

// nat-behaviour.md 9.2 steps 3 to 6.
DropReason check_embedded(Bytes embedded) noexcept {
    const auto* ip = header_at<Ipv4Header>(embedded, 0);
    if (ip == nullptr) {
        return DropReason::icmp_error_truncated;
    }
    const std::size_t header_bytes = ip->header_length_bytes();
    if (ip->version() != 4 || header_bytes < sizeof(Ipv4Header)) {
        return DropReason::icmp_error_bad_embedded;
    }
    constexpr std::size_t kTransportMinimum_bytes = 8;
    if (header_bytes + kTransportMinimum_bytes > embedded.size() ||
        ip->total_length_bytes.host() < header_bytes + kTransportMinimum_bytes) {
        return DropReason::icmp_error_bad_embedded;
    }
    if (!checksum_is_valid(embedded.first(header_bytes))) {
        return DropReason::icmp_error_embedded_checksum;
    }
    if (ip->fragment_offset_bytes() != 0) {
        return DropReason::icmp_error_embedded_fragment;
    }
    switch (ip->protocol) {
        case static_cast<std::uint8_t>(Protocol::tcp):
        case static_cast<std::uint8_t>(Protocol::udp):
            return DropReason::none;
        case static_cast<std::uint8_t>(Protocol::icmp):
            return is_icmp_query(std::to_integer<std::uint8_t>(embedded[header_bytes]))
                       ? DropReason::none
                       : DropReason::icmp_error_embedded_error;
        default:
            return DropReason::icmp_error_embedded_protocol;
    }
}

DropReason read_icmp_error(Packet& packet, const IcmpHeader& icmp, Bytes message) noexcept {
    if (packet.fragment != FragmentKind::whole) {
        return DropReason::icmp_error_fragmented;
    }
    if (message.size() < sizeof(IcmpHeader) + sizeof(Ipv4Header) + 8) {
        return DropReason::icmp_error_truncated;
    }
    if (!checksum_is_valid(message)) {
        return DropReason::icmp_bad_checksum;
    }
    constexpr std::uint16_t kMtuMinimum_bytes = 68;  // RFC 791: every link carries this much
    const std::uint16_t mtu_bytes = icmp.sequence.host();
    if (icmp.type == static_cast<std::uint8_t>(IcmpType::destination_unreachable) &&
        icmp.code == kIcmpFragmentationNeeded && mtu_bytes != 0 && mtu_bytes < kMtuMinimum_bytes) {
        return DropReason::icmp_error_mtu_bogus;  // zero: RFC 1191 section 5, routers of old
    }
    packet.transport = TransportKind::icmp_error;
    return check_embedded(embedded_bytes(message));
}

DropReason read_icmp(Packet& packet, Bytes message) noexcept {
    const bool is_whole = packet.fragment == FragmentKind::whole;
    const auto* icmp = header_at<IcmpHeader>(message, 0);
    if (icmp == nullptr) {
        return is_whole ? DropReason::icmp_truncated : DropReason::fragment_too_short;
    }
    if (is_icmp_error(icmp->type)) {
        return read_icmp_error(packet, *icmp, message);
    }
    if (!is_icmp_query(icmp->type)) {
        return DropReason::icmp_type_unsupported;
    }
    if (is_whole && !checksum_is_valid(message)) {
        return DropReason::icmp_bad_checksum;
    }
    packet.transport = TransportKind::icmp_query;
    packet.source_port = Port{icmp->identifier};
    packet.destination_port = packet.source_port;
    return DropReason::none;
}

}  // namespace

DropReason read_transport(Packet& packet) noexcept {
    const Bytes bytes = packet.bytes().subspan(packet.l4);
    packet.transport = TransportKind::unknown;
    packet.source_port = Port{};
    packet.destination_port = Port{};
    switch (packet.ip_protocol) {
        case static_cast<std::uint8_t>(Protocol::udp):
            return read_udp(packet);
        case static_cast<std::uint8_t>(Protocol::tcp):
            return read_tcp(packet);
        case static_cast<std::uint8_t>(Protocol::icmp):
            return read_icmp(packet, bytes);
        default:
            return DropReason::none;
    }
}

}  // namespace towpath::parse
