// SPDX-License-Identifier: BSD-3-Clause
// A packet becomes another one in the same buffer: the inner one in a tunnel, the outer one
// outside.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/packet/packet.h"

namespace towpath::wireguard {

// What parse and the stages said of it is forgotten; head and length are the caller's to set.
inline void forget_all_but_buffer(Packet& packet) noexcept {
    std::byte* const buffer = packet.buffer;
    void* const handle = packet.handle;
    const std::uint16_t capacity = packet.capacity;
    const bool is_traced = packet.is_traced;
    packet = kNothingKnown;
    packet.buffer = buffer;
    packet.handle = handle;
    packet.capacity = capacity;
    packet.is_traced = is_traced;
}

}  // namespace towpath::wireguard
