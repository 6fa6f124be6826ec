// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/crypto/index_permutation.h"

#include <gtest/gtest.h>

#include <set>

namespace towpath::crypto {
namespace {

TEST(IndexPermutation, FindsTheSlotAgain) {
    for (const std::uint64_t key : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0},
                                    std::uint64_t{0x0123456789ABCDEF}}) {
        const IndexPermutation permutation{key};
        for (std::uint32_t slot = 0; slot < kSessionSlotsMax; slot += 4099) {
            for (const std::uint32_t generation : {0U, 1U, kSessionGenerations - 1}) {
                const SessionSlot given{slot, generation};
                EXPECT_EQ(permutation.slot_of(permutation.index_of(given)), given);
            }
        }
    }
}

TEST(IndexPermutation, NeighbouringSlotsShareNoBits) {
    const IndexPermutation permutation{0x5EC0DE};
    std::set<std::uint32_t> upper_halves;
    std::uint32_t previous = 0;
    std::uint32_t differing_bits = 0;
    for (std::uint32_t slot = 0; slot < 1000; ++slot) {
        const std::uint32_t index = permutation.index_of({slot, 0});
        upper_halves.insert(index >> 16U);
        differing_bits += static_cast<std::uint32_t>(__builtin_popcount(index ^ previous));
        previous = index;
    }
    EXPECT_GT(upper_halves.size(), 950U);  // of 1000 drawn out of 65536, by chance 992
    EXPECT_NEAR(differing_bits / 1000.0, 16.0, 1.0);
}

TEST(IndexPermutation, DependsOnTheKey) {
    const IndexPermutation one{1};
    const IndexPermutation two{2};
    std::uint32_t same = 0;
    for (std::uint32_t slot = 0; slot < 1000; ++slot) {
        same += one.index_of({slot, 0}) == two.index_of({slot, 0}) ? 1U : 0U;
    }
    EXPECT_LE(same, 1U);
}

}  // namespace
}  // namespace towpath::crypto
