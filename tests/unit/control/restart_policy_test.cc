// SPDX-License-Identifier: BSD-3-Clause
// When `towpath run` starts a child again and when it gives up.
#include "control/run/restart_policy.h"

#include <gtest/gtest.h>

namespace towpath::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr ChildEnd kKilled{true, 9};
constexpr ChildEnd kFailed{false, 6};

TEST(RestartPolicy, FailureOfTheFirstStartIsFinal) {
    RestartPolicy policy;
    policy.on_started(Now{});
    EXPECT_FALSE(policy.on_ended(kFailed, Now{} + milliseconds{300}).has_value());
}

TEST(RestartPolicy, KilledChildIsBackAtOnce) {
    RestartPolicy policy;
    policy.on_started(Now{});
    const Now end = Now{} + milliseconds{300};
    EXPECT_EQ(policy.on_ended(kKilled, end), end);
}

TEST(RestartPolicy, PausesDoubleUpToTheirBound) {
    RestartPolicy policy;
    Now now{};
    Duration longest{};
    Duration before{};
    for (int i = 0; i < 12; ++i) {
        policy.on_started(now);
        const auto next = policy.on_ended(kKilled, now);
        ASSERT_TRUE(next.has_value());
        EXPECT_GE(*next - now, before);
        before = *next - now;
        longest = std::max(longest, before);
        now = *next;
    }
    EXPECT_EQ(longest, RestartPolicy::kPauseMax);
}

TEST(RestartPolicy, StableRunHasACleanSlate) {
    RestartPolicy policy;
    Now now{};
    for (int i = 0; i < 5; ++i) {
        policy.on_started(now);
        now = *policy.on_ended(kKilled, now);
    }
    policy.on_started(now);
    now += RestartPolicy::kStableAfter;
    EXPECT_EQ(policy.on_ended(kFailed, now), now);
}

// A device that is not back yet when the data plane is: tried again, not for ever.
TEST(RestartPolicy, FailuresAfterAnAccidentAreTriedABoundedNumberOfTimes) {
    RestartPolicy policy;
    Now now{};
    policy.on_started(now);
    now = *policy.on_ended(kKilled, now);
    std::uint32_t tries = 0;
    while (true) {
        policy.on_started(now);
        ++tries;
        const auto next = policy.on_ended(kFailed, now);
        if (!next) {
            break;
        }
        now = *next;
    }
    EXPECT_EQ(tries, RestartPolicy::kFailedStartsMax);
}

}  // namespace
}  // namespace towpath::control
