// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/replay_window.h"

#include <gtest/gtest.h>

#include <vector>

namespace towpath::wireguard {
namespace {

// The names of wireguard.md 18.2.
constexpr std::uint64_t R = kRejectAfterMessages;
constexpr std::uint64_t W = 8128;
constexpr std::uint64_t T = W + 1;

static_assert(ReplayWindow::kReach == W);
static_assert(R == 0xFFFF'FFFF'FFFF'DFFF);  // 2^64 - 2^13 - 1

// The question that changes nothing must agree with the one that does.
bool accepts(ReplayWindow& window, std::uint64_t counter) {
    const bool expected = window.would_accept(counter);
    const bool accepted = window.accept(counter);
    EXPECT_EQ(accepted, expected) << "counter " << counter;
    EXPECT_FALSE(window.would_accept(counter)) << "counter " << counter;
    return accepted;
}

// wireguard.md 18.2, one state in order.
TEST(ReplayWindow, ListOfTheReference) {
    struct Step {
        std::uint64_t counter;
        bool is_accepted;
    };
    const std::vector<Step> steps{
        {0, true},
        {1, true},
        {1, false},
        {9, true},
        {8, true},
        {7, true},
        {7, false},
        {T, true},
        {T - 1, true},
        {T - 1, false},
        {T - 2, true},
        {2, true},
        {2, false},
        {T + 16, true},
        {3, false},
        {T + 16, false},
        {4 * T, true},
        {4 * T - (T - 1), true},
        {10, false},
        {4 * T - T, false},
        {4 * T - (T + 1), false},
        {4 * T - (T - 2), true},
        {4 * T + 1 - T, false},
        {0, false},
        {R, false},
        {R - 1, true},
        {R, false},
        {R - 1, false},
        {R - 2, true},
        {R + 1, false},
        {R + 2, false},
        {R - 2, false},
        {R - 3, true},
        {0, false},
    };
    ReplayWindow window;
    for (std::size_t step = 0; step < steps.size(); ++step) {
        EXPECT_EQ(accepts(window, steps[step].counter), steps[step].is_accepted)
            << "step " << step << ", counter " << steps[step].counter;
    }
}

void expect_all_upwards(ReplayWindow& window, std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t counter = first; counter <= last; ++counter) {
        ASSERT_TRUE(accepts(window, counter)) << counter;
    }
}
void expect_all_downwards(ReplayWindow& window, std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t counter = first + 1; counter-- > last;) {
        ASSERT_TRUE(accepts(window, counter)) << counter;
    }
}

// wireguard.md 18.2 (a) to (f), fresh state each.
TEST(ReplayWindow, WholeWindowUpwards) {
    ReplayWindow window;
    expect_all_upwards(window, 1, W);
    EXPECT_TRUE(accepts(window, 0));
    EXPECT_FALSE(accepts(window, 0));
}

TEST(ReplayWindow, WholeWindowUpwardsFromTwo) {
    ReplayWindow window;
    expect_all_upwards(window, 2, W + 1);
    EXPECT_TRUE(accepts(window, 1));
    EXPECT_FALSE(accepts(window, 0));
}

TEST(ReplayWindow, WholeWindowDownwards) {
    ReplayWindow window;
    expect_all_downwards(window, W, 0);
}

TEST(ReplayWindow, OneBeyondTheWindowDownwards) {
    ReplayWindow window;
    expect_all_downwards(window, W + 1, 1);
    EXPECT_FALSE(accepts(window, 0));
}

TEST(ReplayWindow, DownwardsThenAhead) {
    ReplayWindow window;
    expect_all_downwards(window, W, 1);
    EXPECT_TRUE(accepts(window, W + 1));
    EXPECT_FALSE(accepts(window, 0));
}

TEST(ReplayWindow, DownwardsThenZeroThenAhead) {
    ReplayWindow window;
    expect_all_downwards(window, W, 1);
    EXPECT_TRUE(accepts(window, 0));
    EXPECT_TRUE(accepts(window, W + 1));
}

// A slot of a session is used again: what the key before it received means nothing.
TEST(ReplayWindow, ClearForgetsEverything) {
    ReplayWindow window;
    expect_all_upwards(window, 0, 3 * W);
    window.clear();
    EXPECT_TRUE(accepts(window, 5));
    expect_all_downwards(window, 4, 0);
    expect_all_upwards(window, 6, 3 * W);
}

// Every position of a jump against the words of the ring, also across its end.
TEST(ReplayWindow, JumpsClearWhatTheyPassOver) {
    for (std::uint64_t jump = 1; jump <= 3 * 8192; jump += 61) {
        ReplayWindow window;
        expect_all_upwards(window, 0, 200);
        const std::uint64_t head = 200 + jump;
        ASSERT_TRUE(accepts(window, head));
        const std::uint64_t oldest = head <= W ? 0 : head - W;
        for (std::uint64_t counter = oldest; counter < head; ++counter) {
            ASSERT_EQ(accepts(window, counter), counter > 200) << counter << " behind " << head;
        }
    }
}

}  // namespace
}  // namespace towpath::wireguard
