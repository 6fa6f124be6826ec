// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/spsc_ring.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <numeric>
#include <thread>

namespace towpath {
namespace {

TEST(SpscRing, TakesItsCapacityAndRefusesOneMore) {
    SpscRing<int> ring{4};
    const std::array<int, 5> values{1, 2, 3, 4, 5};
    EXPECT_EQ(ring.room(), 4U);
    EXPECT_EQ(ring.push(std::span{values}.first(1)), 1U);
    EXPECT_EQ(ring.room(), 3U);
    EXPECT_EQ(ring.push(std::span{values}.subspan(1)), 3U);
    EXPECT_EQ(ring.room(), 0U);
    EXPECT_EQ(ring.push(values), 0U);
    std::array<int, 8> out{};
    EXPECT_EQ(ring.pop(out), 4U);
    EXPECT_EQ(ring.room(), 4U);
    EXPECT_EQ(out[0], 1);
    EXPECT_EQ(out[3], 4);
    EXPECT_TRUE(ring.empty());
    EXPECT_EQ(ring.pop(out), 0U);
}

TEST(SpscRing, KeepsOrderBetweenTwoThreads) {
    constexpr std::uint64_t kCount = 200'000;
    SpscRing<std::uint64_t> ring{64};
    std::thread producer{[&ring] {
        for (std::uint64_t next = 0; next < kCount;) {
            const std::size_t taken = ring.push(std::span{&next, 1});
            next += taken;
            if (taken == 0) {
                std::this_thread::yield();  // on one core the other has to get it
            }
        }
    }};
    std::uint64_t expected = 0;
    std::array<std::uint64_t, 16> out{};
    while (expected < kCount) {
        const std::size_t taken = ring.pop(out);
        for (std::size_t position = 0; position < taken; ++position) {
            ASSERT_EQ(out[position], expected++);
        }
        if (taken == 0) {
            std::this_thread::yield();
        }
    }
    producer.join();
    EXPECT_TRUE(ring.empty());
}

}  // namespace
}  // namespace towpath
