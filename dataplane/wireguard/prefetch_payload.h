// SPDX-License-Identifier: BSD-3-Clause
// The bytes of a burst that nobody has looked at yet, asked for before the cipher needs them.
#pragma once

#include <cstddef>

#include "dataplane/packet/packet.h"

namespace towpath::wireguard {

// Every line of the packet behind its first, which parse has asked for. `growth_bytes` is what will
// be written behind its end. Into L2: the payloads of a burst are more than L1 holds, and more of
// them can be on their way to L2 than to L1.
inline void prefetch_payload(const Packet& packet, std::size_t growth_bytes) noexcept {
    constexpr std::size_t kLine_bytes = 64;
    const std::byte* const begin = packet.data();
    const std::size_t end = packet.length + growth_bytes;
    for (std::size_t offset = kLine_bytes; offset < end; offset += kLine_bytes) {
        __builtin_prefetch(begin + offset, 1, 2);
    }
}

}  // namespace towpath::wireguard
