// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/spin_budget.h"

#include <gtest/gtest.h>

namespace towpath::worker {
namespace {

using namespace std::chrono_literals;

SpinBudget after_long_gaps(int count) {
    SpinBudget budget;
    for (int gap = 0; gap < count; ++gap) {
        budget.note_gap(97us);
    }
    return budget;
}

TEST(SpinBudget, BeginsWithLooking) {
    EXPECT_EQ(SpinBudget{}.value(), SpinBudget::kMost);
}

TEST(SpinBudget, GapsThatLookingCannotBridgeLowerItToTheLeast) {
    EXPECT_EQ(after_long_gaps(1).value(), SpinBudget::kMost / 2);
    EXPECT_EQ(after_long_gaps(20).value(), SpinBudget::kLeast);
}

TEST(SpinBudget, AGapThatALittleMoreWouldHaveBridgedRaisesIt) {
    SpinBudget budget = after_long_gaps(20);
    budget.note_gap(SpinBudget::kLeast + 1us);
    EXPECT_EQ(budget.value(), SpinBudget::kLeast * 2);
    for (int gap = 0; gap < 20; ++gap) {
        budget.note_gap(SpinBudget::kMost);
    }
    EXPECT_EQ(budget.value(), SpinBudget::kMost);
}

TEST(SpinBudget, WhatItBridgesAlreadyChangesNothing) {
    SpinBudget budget = after_long_gaps(20);
    budget.note_gap(SpinBudget::kLeast);
    budget.note_gap(0ns);
    EXPECT_EQ(budget.value(), SpinBudget::kLeast);
}

}  // namespace
}  // namespace towpath::worker
