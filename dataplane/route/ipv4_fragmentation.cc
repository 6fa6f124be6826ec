// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route/ipv4_fragmentation.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/ipv4.h"

namespace towpath::route {
namespace {

constexpr std::size_t kHeaderMax_bytes = 60;

// The header of every fragment but the first: only options with the copy bit go along.
struct LaterHeader {
    std::array<std::byte, kHeaderMax_bytes> bytes{};
    std::size_t length_bytes = 0;
};

LaterHeader later_header(const std::byte* header, std::size_t header_bytes) noexcept {
    constexpr std::uint8_t kCopied = 0x80;
    LaterHeader later;
    std::memcpy(later.bytes.data(), header, sizeof(Ipv4Header));
    later.length_bytes = sizeof(Ipv4Header);
    for (std::size_t offset = sizeof(Ipv4Header); offset < header_bytes;) {
        const auto kind = std::to_integer<std::uint8_t>(header[offset]);
        if (kind == 0) {
            break;
        }
        const std::size_t length =
            kind == 1 ? 1 : std::to_integer<std::size_t>(header[offset + 1]);  // parse checked it
        if ((kind & kCopied) != 0) {
            std::memcpy(later.bytes.data() + later.length_bytes, header + offset, length);
            later.length_bytes += length;
        }
        offset += length;
    }
    later.length_bytes = (later.length_bytes + 3) / 4 * 4;  // padded with End of Options
    later.bytes[0] = static_cast<std::byte>(0x40U | later.length_bytes / 4);
    return later;
}

void seal(Packet& packet, std::size_t header_bytes, std::uint16_t flags_and_offset) noexcept {
    auto& ip = packet.header<Ipv4Header>(packet.l3);
    ip.total_length_bytes = be16{static_cast<std::uint16_t>(packet.length - packet.l3)};
    ip.flags_and_offset = be16{flags_and_offset};
    ip.checksum = be16{};
    ip.checksum = full_checksum(packet.bytes().subspan(packet.l3, header_bytes));
}

}  // namespace

void put_in_fragments(Batch& batch, PacketIndex index, std::uint16_t mtu_bytes,
                      Lane lane) noexcept {
    Packet& whole = batch[index];
    const auto& ip = whole.header<Ipv4Header>(whole.l3);
    const std::size_t header_bytes = ip.header_length_bytes();
    const LaterHeader later = later_header(whole.data() + whole.l3, header_bytes);
    const std::size_t payload_bytes = whole.length - whole.l3 - header_bytes;
    if (mtu_bytes < header_bytes + 8) {
        batch.drop(index, DropReason::route_too_big);
        return;
    }
    const std::size_t first_bytes = (mtu_bytes - header_bytes) / 8 * 8;
    const std::size_t later_bytes = (mtu_bytes - later.length_bytes) / 8 * 8;
    const std::size_t pieces = (payload_bytes - first_bytes + later_bytes - 1) / later_bytes;
    if (pieces > batch.spare_count() || pieces > batch.room()) {
        batch.drop(index, DropReason::no_buffer);
        return;
    }
    const std::uint16_t flags_and_offset = ip.flags_and_offset.host();
    const bool more_follow = ip.more_fragments();
    const std::size_t start = flags_and_offset & kIpv4FragmentOffsetMask;
    const std::size_t head_bytes = whole.l3 + later.length_bytes;

    batch.put(index, lane);
    for (std::size_t done = first_bytes; done < payload_bytes; done += later_bytes) {
        const std::size_t length = std::min(later_bytes, payload_bytes - done);
        const bool is_last = done + length == payload_bytes;
        const PacketIndex piece_index = *batch.originate();
        Packet& piece = batch[piece_index];
        piece.ingress = whole.ingress;
        piece.egress = whole.egress;
        piece.l3 = whole.l3;
        piece.l4 = static_cast<std::uint8_t>(head_bytes);
        if (piece.capacity < piece.head + head_bytes + length) {
            batch.drop(piece_index, DropReason::no_buffer);
            continue;
        }
        piece.length = static_cast<std::uint16_t>(head_bytes + length);
        std::memcpy(piece.data(), whole.data(), whole.l3);
        std::memcpy(piece.data() + whole.l3, later.bytes.data(), later.length_bytes);
        std::memcpy(piece.data() + head_bytes, whole.data() + whole.l3 + header_bytes + done,
                    length);
        const bool has_more = !is_last || more_follow;
        seal(piece, later.length_bytes,
             static_cast<std::uint16_t>((has_more ? kIpv4FlagMoreFragments : 0) |
                                        (start + done / 8)));
        batch.put(piece_index, lane);
    }
    whole.length = static_cast<std::uint16_t>(whole.l3 + header_bytes + first_bytes);
    seal(whole, header_bytes, static_cast<std::uint16_t>(kIpv4FlagMoreFragments | start));
}

}  // namespace towpath::route
