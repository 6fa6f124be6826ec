// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/identification.h"

#include <gtest/gtest.h>

#include <bit>
#include <set>
#include <vector>

namespace towpath {
namespace {

constexpr Ipv4Address kRemote{0xC6336401};
constexpr std::uint8_t kUdp = 17;

// K-6864a: as long as a counter does not come round, nobody gives a number twice.
TEST(Identification, WorkersNeverGiveTheSame) {
    for (std::size_t workers = 1; workers <= kWorkersMax; ++workers) {
        std::vector<bool> is_given(65536);
        const std::size_t draws = 65536 / std::bit_ceil(workers);
        for (std::size_t worker = 0; worker < workers; ++worker) {
            IdentificationSource source{static_cast<WorkerId>(worker), workers, 0x1234567};
            for (std::size_t draw = 0; draw < draws; ++draw) {
                const std::uint16_t given = source.next(kRemote, kUdp).host();
                ASSERT_FALSE(is_given[given]);
                is_given[given] = true;
            }
        }
    }
}

// nat-behaviour.md 14.3: counters of their own, so that a busy remote does not use up another's.
TEST(Identification, RemotesAndProtocolsHaveCountersOfTheirOwn) {
    IdentificationSource source{0, 1, 0x9876543};
    const std::uint16_t first = source.next(kRemote, kUdp).host();
    for (int draw = 0; draw < 100; ++draw) {
        static_cast<void>(source.next(Ipv4Address{0xC6336402}, kUdp));
        static_cast<void>(source.next(kRemote, 6));
    }
    EXPECT_EQ(source.next(kRemote, kUdp).host(), static_cast<std::uint16_t>(first + 1));
}

TEST(Identification, BeginsElsewhereWithAnotherKey) {
    std::set<std::uint16_t> begins;
    for (std::uint64_t key = 1; key <= 64; ++key) {
        IdentificationSource source{0, 1, key * 0x9E3779B97F4A7C15U};
        begins.insert(source.next(kRemote, kUdp).host());
    }
    EXPECT_GT(begins.size(), 60U);
}

}  // namespace
}  // namespace towpath
