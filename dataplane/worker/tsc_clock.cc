// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/tsc_clock.h"

#include <ctime>

namespace towpath::worker {
namespace {

std::uint64_t monotonic_ns() noexcept {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

TscClock TscClock::calibrate() noexcept {
    constexpr std::uint64_t kWindow_ns = 20'000'000;
    TscClock clock;
    const std::uint64_t start_ns = monotonic_ns();
    const std::uint64_t start_ticks = __builtin_ia32_rdtsc();
    std::uint64_t end_ns = start_ns;
    while (end_ns - start_ns < kWindow_ns) {
        end_ns = monotonic_ns();
    }
    const std::uint64_t ticks = __builtin_ia32_rdtsc() - start_ticks;
    const std::uint64_t elapsed_ns = end_ns - start_ns;
    clock.base_ = Duration{static_cast<Duration::rep>(start_ns)};
    clock.base_ticks_ = start_ticks;
    clock.multiplier_ =
        static_cast<std::uint64_t>((static_cast<unsigned __int128>(elapsed_ns) << 32U) / ticks);
    clock.frequency_hz_ = ticks * 1'000'000'000U / elapsed_ns;
    return clock;
}

}  // namespace towpath::worker
