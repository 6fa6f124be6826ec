// SPDX-License-Identifier: BSD-3-Clause
// The replay window against a plain set of counters (wireguard.md 18.2).
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "dataplane/wireguard/replay_window.h"

namespace towpath::wireguard {
namespace {

class SetOfCounters {
public:
    bool accept(std::uint64_t counter) {
        if (counter >= kRejectAfterMessages) {
            return false;
        }
        if (!seen_.empty() && counter < *seen_.rbegin() && *seen_.rbegin() - counter > 8128) {
            return false;
        }
        return seen_.insert(counter).second;
    }
    [[nodiscard]] std::uint64_t head() const { return seen_.empty() ? 0 : *seen_.rbegin(); }

private:
    std::set<std::uint64_t> seen_;
};

std::uint64_t random_counter(std::mt19937_64& random, std::uint64_t head) {
    switch (random() % 16) {
        case 0:
            return head + random() % 20'000;
        case 1:
            return head + 64 * (random() % 130);
        case 2:  // the edges of the window
            return head - 8128 - 2 + random() % 4;
        case 3:
            return head - head % 64 - 64 * (random() % 130);
        case 4:
        case 5:
        case 6:
            return head + 1;
        default:
            return head + 70 - random() % (random() % 4 == 0 ? 8'300 : 200);
    }
}

TEST(ReplayWindowProperty, AgreesWithASetOfCounters) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        std::mt19937_64 random{seed};
        ReplayWindow window;
        SetOfCounters model;
        // Half of the runs end at the limit.
        const std::uint64_t start = seed % 2 == 0 ? kRejectAfterMessages - 30'000 : 0;
        ASSERT_EQ(window.accept(start), model.accept(start));
        for (int turn = 0; turn < 20'000; ++turn) {
            const std::uint64_t counter = random_counter(random, model.head());
            const bool asked = window.would_accept(counter);
            const bool expected = model.accept(counter);
            ASSERT_EQ(asked, expected) << "seed " << seed << ", counter " << counter;
            ASSERT_EQ(window.accept(counter), expected)
                << "seed " << seed << ", counter " << counter;
        }
    }
}

}  // namespace
}  // namespace towpath::wireguard
