// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipv6/ipv6_fragmentation.h"

#include <algorithm>
#include <cstring>

#include "dataplane/wire/ipv6.h"

namespace towpath::ipv6 {
namespace {

// The headers in front of the piece [begin, begin + length) are there, with room for the fragment
// header behind them.
void write_headers(Packet& packet, std::uint8_t protocol, std::size_t begin, std::size_t length,
                   bool more_follow, std::uint32_t identification) noexcept {
    auto& ip = packet.header<Ipv6Header>(packet.l3);
    ip.next_header = static_cast<std::uint8_t>(NextHeader::fragment);
    ip.payload_length_bytes = be16{static_cast<std::uint16_t>(sizeof(Ipv6FragmentHeader) + length)};
    packet.header<Ipv6FragmentHeader>(packet.l3 + sizeof(Ipv6Header)) = {
        protocol, 0, be16{static_cast<std::uint16_t>(begin | (more_follow ? 1U : 0U))},
        be32{identification}};
}

}  // namespace

void put_in_fragments(Batch& batch, PacketIndex index, std::uint16_t mtu_bytes,
                      std::uint32_t identification) noexcept {
    Packet& whole = batch[index];
    const std::size_t headers_bytes = whole.l3 + sizeof(Ipv6Header);
    const std::size_t payload_bytes = whole.length - headers_bytes;
    const std::size_t piece_bytes =
        (mtu_bytes - sizeof(Ipv6Header) - sizeof(Ipv6FragmentHeader)) / 8 * 8;
    const std::size_t others = (payload_bytes - 1) / piece_bytes;
    if (whole.head_room() < sizeof(Ipv6FragmentHeader)) {
        batch.drop(index, DropReason::seal_no_room);
        return;
    }
    if (others > batch.spare_count() || others > batch.room()) {
        batch.drop(index, DropReason::no_buffer);
        return;
    }
    const std::uint8_t protocol = whole.header<Ipv6Header>(whole.l3).next_header;
    batch.put(index, Lane::transmit);
    for (std::size_t begin = piece_bytes; begin < payload_bytes; begin += piece_bytes) {
        const std::size_t length = std::min(piece_bytes, payload_bytes - begin);
        const std::size_t front_bytes = headers_bytes + sizeof(Ipv6FragmentHeader);
        const PacketIndex piece_index = *batch.originate();
        Packet& piece = batch[piece_index];
        piece.ingress = whole.ingress;
        piece.egress = whole.egress;
        piece.l3 = whole.l3;
        piece.l4 = static_cast<std::uint8_t>(front_bytes);
        if (piece.capacity < piece.head + front_bytes + length) {
            batch.drop(piece_index, DropReason::no_buffer);
            continue;
        }
        piece.length = static_cast<std::uint16_t>(front_bytes + length);
        std::memcpy(piece.data(), whole.data(), headers_bytes);
        std::memcpy(piece.data() + front_bytes, whole.data() + headers_bytes + begin, length);
        write_headers(piece, protocol, begin, length, begin + length != payload_bytes,
                      identification);
        batch.put(piece_index, Lane::transmit);
    }
    std::memmove(whole.data() - sizeof(Ipv6FragmentHeader), whole.data(), headers_bytes);
    whole.head = static_cast<std::uint16_t>(whole.head - sizeof(Ipv6FragmentHeader));
    whole.length =
        static_cast<std::uint16_t>(headers_bytes + sizeof(Ipv6FragmentHeader) + piece_bytes);
    whole.l4 = static_cast<std::uint8_t>(headers_bytes + sizeof(Ipv6FragmentHeader));
    write_headers(whole, protocol, 0, piece_bytes, true, identification);
}

}  // namespace towpath::ipv6
