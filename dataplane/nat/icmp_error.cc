// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat/icmp_error.h"

#include <algorithm>

#include "dataplane/nat/admission.h"
#include "dataplane/nat/rewrite.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"

namespace towpath::nat {

namespace {

constexpr std::size_t kTransportMinimum_bytes = 8;  // RFC 792 promises these
constexpr std::size_t kTcpChecksumEnd_bytes = 18;
constexpr std::size_t kExtensionMinimum_bytes = 128;  // RFC 4884 section 4
constexpr std::uint16_t kMtuMinimum_bytes = 68;       // RFC 791

// Bytes after the ICMP header that belong to the embedded packet. A length attribute that makes no
// sense counts as none (BAD-ICMP-18).
[[nodiscard]] std::size_t embedded_bytes(std::span<const std::byte> icmp) noexcept {
    const std::size_t present = icmp.size() - sizeof(IcmpHeader);
    const std::size_t attribute = std::to_integer<std::size_t>(icmp[5]) * 4;
    return attribute >= kExtensionMinimum_bytes && attribute <= present ? attribute : present;
}

[[nodiscard]] bool is_query_type(std::byte type) noexcept {
    switch (static_cast<IcmpType>(std::to_integer<std::uint8_t>(type))) {
        case IcmpType::echo_request:
        case IcmpType::echo_reply:
        case IcmpType::timestamp_request:
        case IcmpType::timestamp_reply:
            return true;
        default:
            return false;
    }
}

// Ports of the embedded packet, or its Identifier for both.
[[nodiscard]] DropReason read_ports(std::span<const std::byte> transport, std::uint8_t protocol,
                                    Embedded& embedded) noexcept {
    switch (protocol) {
        case static_cast<std::uint8_t>(Protocol::tcp):
        case static_cast<std::uint8_t>(Protocol::udp): {
            embedded.source.port = Port{*header_at<be16>(transport, 0)};
            embedded.destination.port = Port{*header_at<be16>(transport, 2)};
            break;
        }
        case static_cast<std::uint8_t>(Protocol::icmp): {
            if (!is_query_type(transport[0])) {
                return DropReason::icmp_error_embedded_error;
            }
            embedded.source.port = Port{*header_at<be16>(transport, 4)};
            embedded.destination.port = embedded.source.port;
            break;
        }
        default:
            return DropReason::icmp_error_embedded_protocol;
    }
    embedded.protocol = static_cast<Protocol>(protocol);
    return DropReason::none;
}

// The embedded transport checksum as far as it is there: 9.8.
[[nodiscard]] be16* transport_checksum(const Packet& packet, const Embedded& embedded) noexcept {
    switch (embedded.protocol) {
        case Protocol::tcp:
            return embedded.transport_bytes >= kTcpChecksumEnd_bytes
                       ? &packet.header<be16>(embedded.transport_offset + 16)
                       : nullptr;
        case Protocol::udp: {
            be16* checksum = &packet.header<be16>(embedded.transport_offset + 6);
            return checksum->raw() == 0 ? nullptr : checksum;
        }
        case Protocol::icmp:
            break;
    }
    return &packet.header<be16>(embedded.transport_offset + 2);
}

enum class EmbeddedEnd : std::uint8_t { source, destination };

// Replaces one endpoint of the embedded packet. Returns what changed, for the ICMP checksum: the
// address and the header checksum cancel in it (9.7), but they are summed all the same.
[[nodiscard]] ChecksumDelta rewrite_embedded(const Packet& packet, const Embedded& embedded,
                                             EmbeddedEnd end, Endpoint after,
                                             ChecksumDelta address_change,
                                             ChecksumDelta transport_change) noexcept {
    Ipv4Header& ip = packet.header<Ipv4Header>(embedded.ip_offset);
    ChecksumDelta message;
    be32& address = end == EmbeddedEnd::source ? ip.source : ip.destination;
    message.replace(address, after.address.wire());
    address = after.address.wire();
    const be16 header_checksum = update_checksum(ip.checksum, address_change);
    message.replace(ip.checksum, header_checksum);
    ip.checksum = header_checksum;

    std::size_t port_offset = embedded.transport_offset;
    if (embedded.protocol == Protocol::icmp) {
        port_offset += 4;
    } else if (end == EmbeddedEnd::destination) {
        port_offset += 2;
    }
    be16& port = packet.header<be16>(port_offset);
    message.replace(port, after.port.wire());
    port = after.port.wire();
    if (be16* checksum = transport_checksum(packet, embedded)) {
        const be16 updated = embedded.protocol == Protocol::udp
                                 ? update_udp_checksum(*checksum, transport_change)
                                 : update_checksum(*checksum, transport_change);
        message.replace(*checksum, updated);
        *checksum = updated;
    }
    return message;
}

void rewrite_outer(Packet& packet, be32 Ipv4Header::*field, Ipv4Address after,
                   ChecksumDelta message) noexcept {
    Ipv4Header& ip = packet.header<Ipv4Header>(packet.l3);
    record_original(packet, ip);
    ChecksumDelta header;
    header.replace(ip.*field, after.wire());
    ip.*field = after.wire();
    ip.checksum = update_checksum(ip.checksum, header);
    IcmpHeader& icmp = packet.header<IcmpHeader>(packet.l4);
    icmp.checksum = update_checksum(icmp.checksum, message);
}

// Steps 8 and 9 of 9.2: the filter, were the embedded packet's remote to send (BAD-ICMP-13), and
// how many errors one mapping may draw.
[[nodiscard]] DropReason admit(Translator& translator, const Packet& packet, EntryIndex mapping,
                               Endpoint remote, std::uint32_t now_s) noexcept {
    if (mapping == kNoEntry || !translator.tables.mapping(mapping).is_live()) {
        return DropReason::icmp_error_no_mapping;
    }
    const Protocol protocol = translator.tables.mapping(mapping).protocol();
    const Realm realm = translator.tables.mapping(mapping).realm();
    if (translator.filtering(protocol, realm) != Filtering::endpoint_independent &&
        find_session(translator.tables, mapping, remote.address,
                     translator.session_port(protocol, realm, remote.port)) == kNoEntry) {
        return DropReason::icmp_error_filtered;
    }
    const IcmpHeader& icmp = packet.header<IcmpHeader>(packet.l4);
    const bool is_fragmentation_needed =
        icmp.type == static_cast<std::uint8_t>(IcmpType::destination_unreachable) &&
        icmp.code == kIcmpFragmentationNeeded;
    if (!translator.icmp_errors.take(mapping, is_fragmentation_needed, now_s)) {
        return DropReason::icmp_error_rate;
    }
    return DropReason::none;
}

[[nodiscard]] EntryIndex mapping_of(const Translator& translator, Endpoint inside,
                                    Protocol protocol, Realm realm) noexcept {
    Flow flow;
    flow.key = inside_key(inside.address, inside.port, protocol, realm);
    flow.hash = translator.tables.hash_of(flow.key);
    flow.owner = translator.tables.ownership().owner_of(inside.address);
    return find_mapping(translator.tables, flow);
}

}  // namespace

DropReason read_embedded(const Packet& packet, Embedded& embedded) noexcept {
    const std::span<const std::byte> bytes = packet.bytes();
    if (packet.fragment != FragmentKind::whole) {
        return DropReason::icmp_error_fragmented;
    }
    const auto icmp = bytes.subspan(packet.l4);
    if (icmp.size() < sizeof(IcmpHeader) + sizeof(Ipv4Header) + kTransportMinimum_bytes) {
        return DropReason::icmp_error_truncated;
    }
    if (!checksum_is_valid(icmp)) {
        return DropReason::icmp_bad_checksum;
    }
    const IcmpHeader& header = *header_at<IcmpHeader>(icmp, 0);
    if (header.type == static_cast<std::uint8_t>(IcmpType::destination_unreachable) &&
        header.code == kIcmpFragmentationNeeded && header.sequence.host() != 0 &&
        header.sequence.host() < kMtuMinimum_bytes) {
        return DropReason::icmp_error_mtu_bogus;
    }
    const auto inner = icmp.subspan(sizeof(IcmpHeader), embedded_bytes(icmp));
    const Ipv4Header* ip = header_at<Ipv4Header>(inner, 0);
    if (ip == nullptr) {
        return DropReason::icmp_error_truncated;
    }
    const std::size_t header_bytes = ip->header_length_bytes();
    if (ip->version() != 4 || header_bytes < sizeof(Ipv4Header) ||
        ip->total_length_bytes.host() < header_bytes + kTransportMinimum_bytes) {
        return DropReason::icmp_error_bad_embedded;
    }
    if (header_bytes + kTransportMinimum_bytes > inner.size()) {
        return DropReason::icmp_error_truncated;
    }
    if (!checksum_is_valid(inner.first(header_bytes))) {
        return DropReason::icmp_error_embedded_checksum;
    }
    if (ip->fragment_offset_bytes() != 0) {
        return DropReason::icmp_error_embedded_fragment;
    }
    // Padding and what follows the embedded packet are not its transport header.
    const std::size_t packet_bytes =
        std::min<std::size_t>(ip->total_length_bytes.host(), inner.size());
    embedded.source.address = Ipv4Address{ip->source};
    embedded.destination.address = Ipv4Address{ip->destination};
    embedded.ip_offset = packet.l4 + sizeof(IcmpHeader);
    embedded.transport_offset = embedded.ip_offset + header_bytes;
    embedded.transport_bytes = packet_bytes - header_bytes;
    const DropReason reason =
        read_ports(inner.subspan(header_bytes, embedded.transport_bytes), ip->protocol, embedded);
    if (reason != DropReason::none) {
        return reason;
    }
    // An error goes to whoever sent what it embeds, in either direction.
    if (packet.header<Ipv4Header>(packet.l3).destination != ip->source) {
        return DropReason::icmp_error_destination_mismatch;
    }
    return DropReason::none;
}

DropReason translate_error_inbound(Translator& translator, Packet& packet, const Embedded& embedded,
                                   std::uint32_t now_s) noexcept {
    const Pool& pool = translator.tables.pool();
    const PoolSlot slot = pool.slot_of(embedded.source.address);
    const EntryIndex index =
        slot == kNoSlot ? kNoEntry
                        : pool.outside(slot, embedded.protocol)[embedded.source.port.number()].load(
                              std::memory_order_acquire);
    const DropReason reason = admit(translator, packet, index, embedded.destination, now_s);
    if (reason != DropReason::none) {
        return reason;
    }
    const Mapping& mapping = translator.tables.mapping(index);
    const ChecksumDelta message = rewrite_embedded(
        packet, embedded, EmbeddedEnd::source, {mapping.inside_address(), mapping.inside_port()},
        ChecksumDelta{mapping.address_delta}.inverse(),
        ChecksumDelta{mapping.transport_delta}.inverse());
    rewrite_outer(packet, &Ipv4Header::destination, mapping.inside_address(), message);
    return DropReason::none;
}

DropReason translate_error_outbound(Translator& translator, Packet& packet,
                                    const Embedded& embedded, Realm realm,
                                    std::uint32_t now_s) noexcept {
    const EntryIndex index = mapping_of(translator, embedded.destination, embedded.protocol, realm);
    const DropReason reason = admit(translator, packet, index, embedded.source, now_s);
    if (reason != DropReason::none || realm == kIdentityRealm) {
        return reason;
    }
    const Mapping& mapping = translator.tables.mapping(index);
    const ChecksumDelta message = rewrite_embedded(
        packet, embedded, EmbeddedEnd::destination, {mapping.outside_address, mapping.outside_port},
        ChecksumDelta{mapping.address_delta}, ChecksumDelta{mapping.transport_delta});
    // Never an inside router's own address (I-05c).
    rewrite_outer(packet, &Ipv4Header::source, mapping.outside_address, message);
    return DropReason::none;
}

DropReason admit_error_to_peer(Translator& translator, const Packet& packet,
                               const Embedded& embedded, std::uint32_t now_s) noexcept {
    const EntryIndex index =
        mapping_of(translator, embedded.source, embedded.protocol, kIdentityRealm);
    return admit(translator, packet, index, embedded.destination, now_s);
}

}  // namespace towpath::nat
