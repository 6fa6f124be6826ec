// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/unfinished_checksum.h"

#include <cstdint>
#include <optional>

#include "dataplane/port/partial_checksum.h"
#include "dataplane/wire/address.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/ipv6.h"
#include "dataplane/wire/tcp.h"
#include "dataplane/wire/udp.h"

namespace towpath::port {
namespace {

constexpr std::size_t kL3 = sizeof(EthernetHeader);

// What the two families say alike.
struct Datagram {
    std::uint8_t protocol = 0;
    std::size_t transport = 0;  // where it begins
    std::size_t end = 0;        // bytes behind it are link padding and belong to no checksum
    std::uint64_t pseudo_sum = 0;
};

std::optional<Datagram> ipv4_datagram(std::span<const std::byte> frame) noexcept {
    const auto* ip = header_at<Ipv4Header>(frame, kL3);
    if (ip == nullptr || ip->version() != 4 || ip->more_fragments() ||
        ip->fragment_offset_bytes() != 0) {
        return std::nullopt;
    }
    const std::size_t header_bytes = ip->header_length_bytes();
    const std::size_t total_bytes = ip->total_length_bytes.host();
    if (header_bytes < sizeof(Ipv4Header) || total_bytes < header_bytes ||
        total_bytes > frame.size() - kL3) {
        return std::nullopt;
    }
    return Datagram{ip->protocol, kL3 + header_bytes, kL3 + total_bytes,
                    pseudo_header_sum(ip->source, ip->destination, ip->protocol,
                                      static_cast<std::uint16_t>(total_bytes - header_bytes))};
}

// Without extension headers: hosts send TCP and UDP so.
std::optional<Datagram> ipv6_datagram(std::span<const std::byte> frame) noexcept {
    constexpr std::size_t kTransport = kL3 + sizeof(Ipv6Header);
    const auto* ip = header_at<Ipv6Header>(frame, kL3);
    if (ip == nullptr || ip->version() != 6 ||
        ip->payload_length_bytes.host() > frame.size() - kTransport) {
        return std::nullopt;
    }
    const std::size_t payload_bytes = ip->payload_length_bytes.host();
    return Datagram{ip->next_header, kTransport, kTransport + payload_bytes,
                    pseudo_header_sum(ip->source, ip->destination, ip->next_header,
                                      static_cast<std::uint32_t>(payload_bytes))};
}

std::optional<Datagram> datagram_in(std::span<const std::byte> frame) noexcept {
    const auto* ethernet = header_at<EthernetHeader>(frame, 0);
    if (ethernet == nullptr) {
        return std::nullopt;
    }
    if (ethernet->ether_type == be16{kEtherTypeIpv4}) {
        return ipv4_datagram(frame);
    }
    return ethernet->ether_type == be16{kEtherTypeIpv6} ? ipv6_datagram(frame) : std::nullopt;
}

}  // namespace

bool complete_if_unfinished(std::span<std::byte> frame) noexcept {
    const std::optional<Datagram> found = datagram_in(frame);
    if (!found) {
        return false;
    }
    std::size_t field = 0;
    std::size_t minimum_bytes = 0;
    if (found->protocol == static_cast<std::uint8_t>(Protocol::tcp)) {
        field = offsetof(TcpHeader, checksum);
        minimum_bytes = sizeof(TcpHeader);
    } else if (found->protocol == static_cast<std::uint8_t>(Protocol::udp)) {
        field = offsetof(UdpHeader, checksum);
        minimum_bytes = sizeof(UdpHeader);
    } else {
        return false;
    }
    if (found->end - found->transport < minimum_bytes) {
        return false;
    }
    const std::span<std::byte> datagram = frame.first(found->end);
    const PartialChecksum partial{found->transport, field};
    const be16* checksum = header_at<be16>(datagram, partial.start + partial.field);
    return checksum->raw() == fold_checksum(found->pseudo_sum) &&
           complete_checksum(datagram, partial);
}

}  // namespace towpath::port
