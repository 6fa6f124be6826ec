// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipv6/extension_headers.h"

#include "dataplane/wire/ipv6.h"

namespace towpath::ipv6 {
namespace {

constexpr std::uint8_t kRouting = static_cast<std::uint8_t>(NextHeader::routing);
constexpr std::uint8_t kFragment = static_cast<std::uint8_t>(NextHeader::fragment);
constexpr std::uint8_t kAuthentication = static_cast<std::uint8_t>(NextHeader::authentication);
constexpr std::uint8_t kHopByHop = static_cast<std::uint8_t>(NextHeader::hop_by_hop);

// What every extension header but the fragment's begins with.
struct ExtensionStart {
    std::uint8_t next_header;
    std::uint8_t length;        // in units of 8 bytes behind the first 8; authentication differs
    std::uint8_t routing_type;  // of a routing header
    std::uint8_t segments_left;
};
static_assert(WireHeader<ExtensionStart>);

bool is_extension(std::uint8_t header) noexcept {
    return header == kHopByHop || header == kRouting || header == kFragment ||
           header == kAuthentication ||
           header == static_cast<std::uint8_t>(NextHeader::destination_options);
}

// RFC 4302 section 2.2 counts in units of four bytes, less two.
std::size_t length_of(std::uint8_t header, std::uint8_t length) noexcept {
    return header == kAuthentication ? (std::size_t{length} + 2) * 4
                                     : (std::size_t{length} + 1) * 8;
}

// The rules of nat-behaviour.md 26.8 hold for the fragments of either family.
DropReason check_fragment(const Ipv6FragmentHeader& header, std::size_t payload_bytes) noexcept {
    constexpr std::size_t kDatagramMax_bytes = 65535;
    if (header.more_fragments() && payload_bytes % 8 != 0) {
        return DropReason::fragment_bad_length;
    }
    if (payload_bytes == 0) {
        return DropReason::fragment_empty;
    }
    return header.offset_bytes() + payload_bytes > kDatagramMax_bytes
               ? DropReason::fragment_overflow
               : DropReason::none;
}

// Steps over the fragment header at `found.offset`.
void take_fragment(std::span<const std::byte> bytes, TransportPosition& found) noexcept {
    const auto* header = header_at<Ipv6FragmentHeader>(bytes, found.offset);
    if (header == nullptr) {
        found.reason = DropReason::ipv6_extension_malformed;
        return;
    }
    found.offset += sizeof(Ipv6FragmentHeader);
    found.protocol = header->next_header;
    if (header->offset_bytes() != 0) {
        found.fragment = FragmentKind::later;
    } else if (header->more_fragments()) {
        found.fragment = FragmentKind::first;
    }
    found.reason = found.fragment == FragmentKind::whole
                       ? DropReason::none
                       : check_fragment(*header, bytes.size() - found.offset);
}

void take_extension(std::span<const std::byte> bytes, TransportPosition& found) noexcept {
    const auto* header = header_at<ExtensionStart>(bytes, found.offset);
    const std::size_t length_bytes =
        header == nullptr ? 0 : length_of(found.protocol, header->length);
    if (header == nullptr || length_bytes > bytes.size() - found.offset) {
        // A first fragment must hold all headers (RFC 7112 section 5).
        found.reason = found.fragment == FragmentKind::whole ? DropReason::ipv6_extension_malformed
                                                             : DropReason::fragment_too_short;
        return;
    }
    if (found.protocol == kRouting && header->segments_left != 0) {
        found.reason = DropReason::ipv6_routing_header;
        return;
    }
    found.offset += length_bytes;
    found.protocol = header->next_header;
}

}  // namespace

TransportPosition find_transport(std::span<const std::byte> bytes) noexcept {
    TransportPosition found;
    found.protocol = header_at<Ipv6Header>(bytes, 0)->next_header;
    found.offset = sizeof(Ipv6Header);
    for (std::size_t taken = 0;
         is_extension(found.protocol) && found.fragment != FragmentKind::later; ++taken) {
        if (taken == kExtensionsMax || found.offset > kTransportOffsetMax_bytes) {
            found.reason = DropReason::ipv6_extension_too_long;
        } else if (found.protocol == kHopByHop && found.offset != sizeof(Ipv6Header)) {
            found.reason = DropReason::ipv6_extension_malformed;
        } else if (found.protocol == kFragment) {
            take_fragment(bytes, found);
        } else {
            take_extension(bytes, found);
        }
        if (found.reason != DropReason::none) {
            return found;
        }
    }
    if (found.offset > kTransportOffsetMax_bytes) {
        found.reason = DropReason::ipv6_extension_too_long;
    }
    return found;
}

}  // namespace towpath::ipv6
