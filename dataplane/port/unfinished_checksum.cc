// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/unfinished_checksum.h"

#include <cstdint>

#include "dataplane/port/partial_checksum.h"
#include "dataplane/wire/address.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/tcp.h"
#include "dataplane/wire/udp.h"

namespace towpath::port {

bool complete_if_unfinished(std::span<std::byte> frame) noexcept {
    constexpr std::size_t kL3 = sizeof(EthernetHeader);
    const auto* ethernet = header_at<EthernetHeader>(frame, 0);
    const auto* ip = header_at<Ipv4Header>(frame, kL3);
    if (ethernet == nullptr || ip == nullptr || ethernet->ether_type != be16{kEtherTypeIpv4} ||
        ip->version() != 4 || ip->more_fragments() || ip->fragment_offset_bytes() != 0) {
        return false;
    }
    const std::size_t header_bytes = ip->header_length_bytes();
    const std::size_t total_bytes = ip->total_length_bytes.host();
    if (header_bytes < sizeof(Ipv4Header) || total_bytes < header_bytes ||
        total_bytes > frame.size() - kL3) {
        return false;
    }
    std::size_t field = 0;
    std::size_t minimum_bytes = 0;
    if (ip->protocol == static_cast<std::uint8_t>(Protocol::tcp)) {
        field = offsetof(TcpHeader, checksum);
        minimum_bytes = sizeof(TcpHeader);
    } else if (ip->protocol == static_cast<std::uint8_t>(Protocol::udp)) {
        field = offsetof(UdpHeader, checksum);
        minimum_bytes = sizeof(UdpHeader);
    } else {
        return false;
    }
    const std::size_t transport_bytes = total_bytes - header_bytes;
    if (transport_bytes < minimum_bytes) {
        return false;
    }
    // Bytes behind the datagram are link padding and belong to no checksum.
    const std::span<std::byte> datagram = frame.first(kL3 + total_bytes);
    const PartialChecksum partial{kL3 + header_bytes, field};
    const be16* found = header_at<be16>(datagram, partial.start + partial.field);
    const std::uint64_t pseudo = pseudo_header_sum(ip->source, ip->destination, ip->protocol,
                                                   static_cast<std::uint16_t>(transport_bytes));
    return found->raw() == fold_checksum(pseudo) && complete_checksum(datagram, partial);
}

}  // namespace towpath::port
