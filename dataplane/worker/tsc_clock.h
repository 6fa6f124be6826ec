// SPDX-License-Identifier: BSD-3-Clause
// The real clock of the data path: one read of the time stamp counter per burst. Needs an invariant
// TSC, which every x86-64 of the last fifteen years has.
#pragma once

#include <cstdint>

#include "dataplane/wire/now.h"

namespace towpath::worker {

class TscClock {
public:
    // Measures the counter's rate against CLOCK_MONOTONIC for about 20 ms.
    [[nodiscard]] static TscClock calibrate() noexcept;

    // Monotonic nanoseconds on CLOCK_MONOTONIC's epoch at calibration.
    [[nodiscard]] Now now() const noexcept {
        const std::uint64_t ticks = __builtin_ia32_rdtsc() - base_ticks_;
        const auto nanoseconds = static_cast<std::uint64_t>(
            (static_cast<unsigned __int128>(ticks) * multiplier_) >> 32U);
        return Now{base_ + Duration{static_cast<Duration::rep>(nanoseconds)}};
    }
    [[nodiscard]] std::uint64_t frequency_hz() const noexcept { return frequency_hz_; }

private:
    TscClock() = default;
    Duration base_{0};
    std::uint64_t base_ticks_ = 0;
    std::uint64_t multiplier_ = 0;  // nanoseconds per tick, 32 fractional bits
    std::uint64_t frequency_hz_ = 0;
};

}  // namespace towpath::worker
