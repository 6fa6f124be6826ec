// SPDX-License-Identifier: BSD-3-Clause
#include "testbed/traffic/tally.h"

#include <gtest/gtest.h>

namespace towpath::testbed {
namespace {

TEST(Tally, CountsEachSequenceNumberOnce) {
    Tally tally{4};
    for (const std::uint32_t sequence : {0U, 2U, 1U, 2U}) {
        tally.take(sequence, 10);
    }
    EXPECT_EQ(tally.received(), 3U);
    EXPECT_EQ(tally.repeated(), 1U);
    EXPECT_EQ(tally.disordered(), 1U);
}

TEST(Tally, TakesTheLastOfItsNumbersAndRefusesTheNext) {
    Tally tally{4};
    tally.take(3, 10);
    tally.take(4, 10);
    EXPECT_EQ(tally.received(), 1U);
    EXPECT_EQ(tally.foreign(), 1U);
}

TEST(Tally, QuantilesAreOfWhatArrived) {
    Tally tally{101};
    EXPECT_EQ(tally.latency_quantile_ns(0.5), 0U);
    for (std::uint32_t sequence = 0; sequence <= 100; ++sequence) {
        tally.take(sequence, 100 - sequence);
    }
    EXPECT_EQ(tally.latency_quantile_ns(0.5), 50U);
    EXPECT_EQ(tally.latency_quantile_ns(0.99), 99U);
    EXPECT_EQ(tally.latency_quantile_ns(1.0), 100U);
}

TEST(Tally, FindsTheLongestGapBelowWhatWasSent) {
    Tally tally{10};
    for (const std::uint32_t sequence : {0U, 4U, 5U, 7U}) {
        tally.take(sequence, 1);
    }
    EXPECT_EQ(tally.longest_gap(8), 3U);
    EXPECT_EQ(tally.longest_gap(10), 3U);
    EXPECT_EQ(Tally{10}.longest_gap(10), 10U);
}

}  // namespace
}  // namespace towpath::testbed
