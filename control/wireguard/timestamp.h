// SPDX-License-Identifier: BSD-3-Clause
// TAI64N time stamps of initiations (wireguard.md section 6): they only ever grow, so that an
// initiation cannot be replayed.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "dataplane/wire/byte_order.h"
#include "dataplane/wire/wireguard.h"

namespace towpath::control::wireguard {

class Timestamp {
public:
    // Nanoseconds are rounded down to a multiple of 2^24 (16.8 ms), which hides how exact our clock
    // is.
    static constexpr std::uint32_t kStep_ns = 1U << 24U;

    Timestamp() = default;
    // `nanoseconds` below 10^9.
    [[nodiscard]] static Timestamp from_unix(std::uint64_t seconds,
                                             std::uint32_t nanoseconds) noexcept;
    using Bytes = std::array<std::byte, towpath::wireguard::kTimestampLength_bytes>;
    [[nodiscard]] static Timestamp from_bytes(const Bytes& bytes) noexcept;
    [[nodiscard]] Bytes bytes() const noexcept;

    // The smallest time stamp that is greater.
    [[nodiscard]] Timestamp next() const noexcept;
    [[nodiscard]] Timestamp plus_seconds(std::uint64_t seconds) const noexcept;
    // Of nobody yet: less than every real one.
    [[nodiscard]] bool is_never() const noexcept { return seconds_ == 0; }

    friend auto operator<=>(const Timestamp&, const Timestamp&) = default;

private:
    std::uint64_t seconds_ = 0;  // with the label of TAI64; 0: never
    std::uint32_t nanoseconds_ = 0;
};

// The time stamps of one sender to one peer: `now` where that is later than all before it, else the
// next after the last, so a clock that was set back makes no initiation that the peer refuses.
class SentTimestamps {
public:
    [[nodiscard]] Timestamp stamp(Timestamp now) noexcept;

private:
    Timestamp last_;
};

// What a clock that was lost over a restart may not fall behind (decisions.md W20): the greatest
// time stamp that this machine ever sent, kept on disk by the caller. One for all tunnels.
class SentFloor {
public:
    // `kept` is what was on disk.
    explicit SentFloor(Timestamp kept = {}) noexcept : floor_{kept}, greatest_{kept} {}

    // For an initiation now: the clock, or an hour after the floor if the clock is below it (the
    // floor is written once an hour, so initiations may have been sent since).
    [[nodiscard]] Timestamp stamp(Timestamp now) const noexcept {
        constexpr std::uint64_t kHour_s = 3600;
        return now < floor_ ? std::max(now, floor_.plus_seconds(kHour_s)) : now;
    }
    void note(Timestamp sent) noexcept { greatest_ = std::max(greatest_, sent); }
    // To be kept on disk.
    [[nodiscard]] Timestamp greatest() const noexcept { return greatest_; }

private:
    Timestamp floor_;
    Timestamp greatest_;
};

}  // namespace towpath::control::wireguard
