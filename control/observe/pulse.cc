// SPDX-License-Identifier: BSD-3-Clause
#include "control/observe/pulse.h"

namespace towpath::control {

void Pulse::on_asked(Now now) noexcept {
    if (!asked_at_) {
        asked_at_ = now;
    }
    ++unanswered_;
}

std::optional<Duration> Pulse::on_heard(Now now) noexcept {
    const std::optional<Duration> lasted = is_silent_ ? std::optional{silence(now)} : std::nullopt;
    *this = Pulse{};
    return lasted;
}

void Pulse::on_closed() noexcept {
    if (!is_silent_) {
        *this = Pulse{};
    }
}

bool Pulse::begins_silence(Now now, Duration longest) noexcept {
    if (is_silent_ || !asked_at_ || unanswered_ < kUnansweredMin || now - *asked_at_ <= longest) {
        return false;
    }
    is_silent_ = true;
    return true;
}

Duration Pulse::silence(Now now) const noexcept {
    return is_silent_ ? now - *asked_at_ : Duration{};
}

}  // namespace towpath::control
