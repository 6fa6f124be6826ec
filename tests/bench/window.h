// SPDX-License-Identifier: BSD-3-Clause
// The loop that every benchmark of established traffic runs: windows of bursts of shuffled flows,
// each burst written, its bytes evicted from the caches, then handed to what is timed.
#pragma once

#include "tests/bench/nat_field.h"

namespace towpath::bench {

inline constexpr std::size_t kWindows = 101;
// Short: a window that another program disturbs stands out, and the median leaves it out.
inline constexpr std::size_t kBurstsPerWindow = 100;
inline constexpr std::size_t kPacketsPerWindow = kBurstsPerWindow * kBurstMax;

// `write(packet, flow)` makes the packet's bytes; `run(burst)` returns the ticks that it took.
// Returns ticks per packet.
template <class Write, class Run>
[[nodiscard]] double time_window(const NatField& field, BufferRing& buffers, Shuffle& shuffle,
                                 const Write& write, const Run& run) {
    std::uint64_t ticks = 0;
    std::array<Packet, kBurstMax> packets;
    for (std::size_t burst = 0; burst < kBurstsPerWindow; ++burst) {
        for (Packet& packet : packets) {
            packet = buffers.next();
            write(packet, shuffle.below(field.flows()));
        }
        for (const Packet& packet : packets) {
            evict(packet);
        }
        _mm_mfence();
        ticks += run(std::span<Packet>{packets});
    }
    return static_cast<double>(ticks) / static_cast<double>(kPacketsPerWindow);
}

}  // namespace towpath::bench
