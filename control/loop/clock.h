// SPDX-License-Identifier: BSD-3-Clause
// The real clocks of control. State machines are handed what they say.
#pragma once

#include <chrono>
#include <cstdint>

#include "dataplane/wire/now.h"

namespace towpath::control {

[[nodiscard]] inline Now monotonic_now() noexcept {
    return Now{
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

// Seconds since 1970-01-01T00:00:00Z, for what people read.
[[nodiscard]] inline std::int64_t utc_now_s() noexcept {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace towpath::control
