// SPDX-License-Identifier: BSD-3-Clause
// How many handshake messages a worker may look at (decisions.md W18): a tenth of its time, of
// which three quarters are kept for sources that are a current peer's endpoint. Time is counted as
// it passes, messages at what one costs; a flood then costs no more than the refusals.
#pragma once

#include <algorithm>

#include "dataplane/wire/now.h"

namespace towpath::wireguard {

class HandshakeBudget {
public:
    // What one message is charged: mac1 and the copy, with a margin for slow CPUs.
    static constexpr Duration kCharge = std::chrono::microseconds{1};
    // The most that an idle worker saves up.
    static constexpr Duration kSavedMax = std::chrono::milliseconds{1};
    static constexpr int kShare = 10;  // one tenth
    static constexpr Duration kSavedKnown = kSavedMax * 3 / 4;
    static constexpr Duration kSavedOthers = kSavedMax - kSavedKnown;

    // True: go on. A known source may also use what others leave.
    [[nodiscard]] bool admit(bool is_known, Now now) noexcept {
        refill(now);
        if (is_known && known_ >= kCharge) {
            known_ -= kCharge;
            return true;
        }
        if (others_ >= kCharge) {
            others_ -= kCharge;
            return true;
        }
        return false;
    }

private:
    void refill(Now now) noexcept {
        // A long absence fills both, and no more.
        const Duration passed = std::min<Duration>(now - refilled_at_, kSavedMax * kShare);
        // Rarely, or what the divisions round away adds up over short bursts.
        if (passed < kCharge) {
            return;
        }
        const Duration share = passed / kShare;
        known_ = std::min(known_ + share * 3 / 4, kSavedKnown);
        others_ = std::min(others_ + share / 4, kSavedOthers);
        refilled_at_ = now;
    }

    Duration known_ = kSavedKnown;
    Duration others_ = kSavedOthers;
    Now refilled_at_{};
};

}  // namespace towpath::wireguard
