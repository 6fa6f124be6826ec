// SPDX-License-Identifier: BSD-3-Clause
// The real clocks of control. State machines are handed what they say.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

#include "control/wireguard/peer.h"
#include "dataplane/wire/now.h"

namespace towpath::control {

[[nodiscard]] inline Now monotonic_now() noexcept {
    return Now{
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

// As the other, but it counts the time that the machine slept too, as keys and their ages must
// (wireguard.md 15.5).
[[nodiscard]] inline Now awake_now() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return Now{std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec}};
}

// The wall clock.
[[nodiscard]] inline wireguard::UnixTime unix_now() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    return {static_cast<std::uint64_t>(time.tv_sec), static_cast<std::uint32_t>(time.tv_nsec)};
}

// Seconds since 1970-01-01T00:00:00Z, for what people read.
[[nodiscard]] inline std::int64_t utc_now_s() noexcept {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace towpath::control
