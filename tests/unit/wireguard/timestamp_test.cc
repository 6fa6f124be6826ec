// SPDX-License-Identifier: BSD-3-Clause
#include "control/wireguard/timestamp.h"

#include <gtest/gtest.h>

#include "tests/builders/hex.h"

namespace towpath::control::wireguard {
namespace {

using builders::array_from_hex;

// wireguard.md 18.1.
TEST(Timestamp, IsTai64n) {
    const Timestamp timestamp = Timestamp::from_unix(1700000000, 0);
    EXPECT_EQ(timestamp.bytes(), array_from_hex<12>("400000006553f10a00000000"));
    EXPECT_EQ(Timestamp::from_bytes(timestamp.bytes()), timestamp);
}

TEST(Timestamp, HidesFineClockDetail) {
    EXPECT_EQ(Timestamp::from_unix(5, 1), Timestamp::from_unix(5, 0));
    EXPECT_EQ(Timestamp::from_unix(5, Timestamp::kStep_ns - 1), Timestamp::from_unix(5, 0));
    EXPECT_GT(Timestamp::from_unix(5, Timestamp::kStep_ns), Timestamp::from_unix(5, 0));
}

// Sent ones only grow: wireguard.md section 6, sender rules.
TEST(SentTimestamps, GrowWhateverTheClockDoes) {
    SentTimestamps sent;
    const Timestamp first = sent.stamp(Timestamp::from_unix(100, 0));
    EXPECT_EQ(first, Timestamp::from_unix(100, 0));
    const Timestamp again = sent.stamp(Timestamp::from_unix(100, 0));
    EXPECT_EQ(again, Timestamp::from_unix(100, Timestamp::kStep_ns));
    const Timestamp after_a_step_back = sent.stamp(Timestamp::from_unix(10, 0));
    EXPECT_GT(after_a_step_back, again);
    EXPECT_EQ(sent.stamp(Timestamp::from_unix(200, 0)), Timestamp::from_unix(200, 0));
}

TEST(SentTimestamps, CarryIntoTheSeconds) {
    SentTimestamps sent;
    static_cast<void>(sent.stamp(Timestamp::from_unix(100, 999'999'999)));
    EXPECT_EQ(sent.stamp(Timestamp::from_unix(100, 0)), Timestamp::from_unix(101, 0));
}

// decisions.md W20.
TEST(SentFloor, AClockBelowItGetsTheMarginAndOneAboveItNothing) {
    const Timestamp kept = Timestamp::from_unix(1'000'000, 0);
    const SentFloor floor{kept};
    EXPECT_EQ(floor.stamp(Timestamp::from_unix(999'999, 0)), Timestamp::from_unix(1'003'600, 0));
    EXPECT_EQ(floor.stamp(kept), kept);
    EXPECT_EQ(floor.stamp(Timestamp::from_unix(1'000'001, 0)), Timestamp::from_unix(1'000'001, 0));
}

TEST(SentFloor, IsDueBeforeTheMarginIsUsedUp) {
    SentFloor floor;
    EXPECT_FALSE(floor.is_due());
    floor.note(Timestamp::from_unix(1'000'000, 0));
    EXPECT_TRUE(floor.is_due());
    floor.on_kept();
    EXPECT_FALSE(floor.is_newer());
    floor.note(Timestamp::from_unix(1'000'000 + SentFloor::kKeepEvery_s - 1, 0));
    EXPECT_TRUE(floor.is_newer());
    EXPECT_FALSE(floor.is_due());
    floor.note(Timestamp::from_unix(1'000'000 + SentFloor::kKeepEvery_s, 0));
    EXPECT_TRUE(floor.is_due());
}

}  // namespace
}  // namespace towpath::control::wireguard
