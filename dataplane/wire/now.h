// SPDX-License-Identifier: BSD-3-Clause
// The type of a clock, without a clock. Only worker/ and control/loop/ may read the real one;
// everything else is handed a Now.
#pragma once

#include <chrono>
#include <cstdint>

namespace towpath {

using Duration = std::chrono::nanoseconds;

// A monotonic clock of unknown epoch. There is no now(): see above.
struct MonotonicClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<MonotonicClock>;
    static constexpr bool is_steady = true;
};

using Now = MonotonicClock::time_point;

// Coarse time as entries on the data path store it: whole seconds since the clock's epoch, 32 bits
// (136 years).
[[nodiscard]] constexpr std::uint32_t coarse_seconds(Now now) noexcept {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
}

}  // namespace towpath
