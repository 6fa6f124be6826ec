// SPDX-License-Identifier: BSD-3-Clause
// The hash behind every table that senders can fill: keyed anew at each start and not linear, so
// that nobody outside can choose entries that meet in one bucket. Not cryptographic.
#pragma once

#include <cstdint>

namespace towpath::nat {

struct HashKey {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
};

// Both halves of a 64 by 64 bit product, folded.
[[nodiscard]] inline std::uint64_t folded_product(std::uint64_t left,
                                                  std::uint64_t right) noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(left) * right;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

[[nodiscard]] inline std::uint32_t keyed_hash(const HashKey& key, std::uint64_t high,
                                              std::uint64_t low) noexcept {
    const std::uint64_t mixed =
        folded_product(high ^ key.first, (low ^ key.second) | 0x9E3779B97F4A7C15U);
    const std::uint64_t last = folded_product(mixed ^ key.second, 0xD6E8FEB86659FD93U);
    return static_cast<std::uint32_t>(last >> 32U) ^ static_cast<std::uint32_t>(last);
}

}  // namespace towpath::nat
