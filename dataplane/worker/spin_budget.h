// SPDX-License-Identifier: BSD-3-Clause
// How long an idle worker looks for work before it sleeps. To look costs the time that it takes; to
// sleep costs a wake-up, on both cores. So it looks only as long as recent gaps in the work promise
// that this is the cheaper of the two, and never longer than a wake-up costs. Pure: reads no clock.
#pragma once

#include <algorithm>

#include "dataplane/wire/now.h"

namespace towpath::worker {

class SpinBudget {
public:
    // A few turns: within one burst of a sender there are gaps, too.
    static constexpr Duration kLeast = std::chrono::microseconds{2};
    // About what going to sleep and being woken costs.
    static constexpr Duration kMost = std::chrono::microseconds{20};

    [[nodiscard]] Duration value() const noexcept { return value_; }

    // Work came `gap` after the work before it, looked for or slept for. A gap that a little more
    // looking would have bridged raises the budget; one that no budget bridges lowers it.
    void note_gap(Duration gap) noexcept {
        if (gap > kMost) {
            value_ = std::max(value_ / 2, kLeast);
        } else if (gap > value_) {
            value_ = std::min(value_ * 2, kMost);
        }
    }

private:
    Duration value_ = kMost;
};

}  // namespace towpath::worker
