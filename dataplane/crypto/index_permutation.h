// SPDX-License-Identifier: BSD-3-Clause
// WireGuard's receiver indices (wireguard.md section 7; decisions.md W4): a keyed permutation of
// (slot, generation), so that an index looks random to others and finds its slot by arithmetic.
// Whoever finds a slot compares the whole index with the one that the slot was given: a stale index
// never resolves to a new owner.
#pragma once

#include <array>
#include <cstdint>

namespace towpath::crypto {

struct SessionSlot {
    std::uint32_t slot = 0;        // < kSessionSlotsMax
    std::uint32_t generation = 0;  // < kSessionGenerations; rises whenever the slot is used again
    friend constexpr bool operator==(const SessionSlot&, const SessionSlot&) noexcept = default;
};
inline constexpr std::uint32_t kSessionSlotsMax = 1U << 22U;
inline constexpr std::uint32_t kSessionGenerations = 1U << 10U;

// A Feistel network over two halves of 16 bits: any round function gives a permutation.
class IndexPermutation {
public:
    // `key` is random and secret; another one for every data plane.
    explicit constexpr IndexPermutation(std::uint64_t key) noexcept {
        for (std::uint64_t& round_key : round_keys_) {
            key = (key ^ key >> 31U) * 0x9E3779B97F4A7C15U + 0xBF58476D1CE4E5B9U;
            round_key = key;
        }
    }

    [[nodiscard]] constexpr std::uint32_t index_of(SessionSlot slot) const noexcept {
        const std::uint32_t value = slot.generation << 22U | slot.slot;
        std::uint32_t left = value >> 16U;
        std::uint32_t right = value & 0xFFFFU;
        for (const std::uint64_t round_key : round_keys_) {
            const std::uint32_t next = left ^ mixed(right, round_key);
            left = right;
            right = next;
        }
        return left << 16U | right;
    }
    [[nodiscard]] constexpr SessionSlot slot_of(std::uint32_t index) const noexcept {
        std::uint32_t left = index >> 16U;
        std::uint32_t right = index & 0xFFFFU;
        for (auto round_key = round_keys_.rbegin(); round_key != round_keys_.rend(); ++round_key) {
            const std::uint32_t before = right ^ mixed(left, *round_key);
            right = left;
            left = before;
        }
        const std::uint32_t value = left << 16U | right;
        return {value & (kSessionSlotsMax - 1U), value >> 22U};
    }

private:
    [[nodiscard]] static constexpr std::uint32_t mixed(std::uint32_t half,
                                                       std::uint64_t key) noexcept {
        const std::uint64_t product = (half ^ key) * 0x9E3779B97F4A7C15U;
        return static_cast<std::uint32_t>((product ^ product >> 29U) * (key | 1U) >> 48U);
    }

    std::array<std::uint64_t, 6> round_keys_{};
};

}  // namespace towpath::crypto
