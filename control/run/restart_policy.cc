// SPDX-License-Identifier: BSD-3-Clause
#include "control/run/restart_policy.h"

#include <algorithm>

namespace towpath::control {

void RestartPolicy::on_started(Now now) noexcept {
    started_at_ = now;
}

std::optional<Now> RestartPolicy::on_ended(const ChildEnd& end, Now now) noexcept {
    if (now - started_at_ >= kStableAfter) {
        has_proved_itself_ = true;
        failed_starts_ = 0;
        pause_ = {};
    }
    if (end.was_killed) {
        has_proved_itself_ = true;
    } else {
        ++failed_starts_;
        if (!has_proved_itself_ || failed_starts_ >= kFailedStartsMax) {
            return std::nullopt;
        }
    }
    const Now next = now + pause_;
    pause_ = std::clamp(2 * pause_, kPauseFirst, kPauseMax);
    return next;
}

}  // namespace towpath::control
