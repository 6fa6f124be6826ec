// SPDX-License-Identifier: BSD-3-Clause
// Cuts an IPv6 packet that this box sends itself into fragments (RFC 8200 section 4.5). The first
// keeps the packet's buffer; the others take spares.
#pragma once

#include <cstdint>

#include "dataplane/packet/batch.h"

namespace towpath::ipv6 {

// Identifications of one worker (RFC 7739: not to be guessed; those of two workers are of different
// sequences). A permutation of a counter, so none comes twice within 2^32.
class FragmentIdentifications {
public:
    // `key` is secret.
    explicit FragmentIdentifications(std::uint64_t key = 0) noexcept
        : key_{static_cast<std::uint32_t>(key)}, next_{static_cast<std::uint32_t>(key >> 32U)} {}

    [[nodiscard]] std::uint32_t next() noexcept {
        std::uint32_t value = next_++ ^ key_;
        value = (value ^ value >> 16U) * 0x85EBCA6BU;
        value = (value ^ value >> 13U) * 0xC2B2AE35U;
        return value ^ value >> 16U ^ key_;
    }

private:
    std::uint32_t key_;
    std::uint32_t next_;
};

// The packet has its Ethernet header, no extension header, and is longer than `mtu_bytes` (at least
// 1280). Puts the pieces into Lane::transmit in order; or the packet into Lane::drop: no_buffer
// when there are not enough spares, seal_no_room without head room for another header.
[[gnu::noinline]] void put_in_fragments(Batch& batch, PacketIndex index, std::uint16_t mtu_bytes,
                                        std::uint32_t identification) noexcept;

}  // namespace towpath::ipv6
