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
    // Not every twelve bytes are one.
    [[nodiscard]] bool is_well_formed() const noexcept { return nanoseconds_ < kSecond_ns; }
    // Of nobody yet: less than every real one.
    [[nodiscard]] bool is_never() const noexcept { return seconds_ == 0; }

    friend auto operator<=>(const Timestamp&, const Timestamp&) = default;

private:
    static constexpr std::uint32_t kSecond_ns = 1'000'000'000;

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
    // An initiation after a restart is this much above the floor if the clock is below it.
    static constexpr std::uint64_t kMargin_s = 3600;
    // What was sent may be ahead of what is kept by this much, so that the margin covers it with a
    // minute to spare for writing it.
    static constexpr std::uint64_t kKeepEvery_s = kMargin_s - 60;

    // `kept` is what was on disk.
    explicit SentFloor(Timestamp kept = {}) noexcept : floor_{kept}, greatest_{kept}, kept_{kept} {}

    // For an initiation now: the clock, or the floor and the margin if the clock is below the
    // floor.
    [[nodiscard]] Timestamp stamp(Timestamp now) const noexcept {
        return now < floor_ ? floor_.plus_seconds(kMargin_s) : now;
    }
    void note(Timestamp sent) noexcept { greatest_ = std::max(greatest_, sent); }
    [[nodiscard]] Timestamp greatest() const noexcept { return greatest_; }

    // greatest() is to be written now: nothing was kept before, or what was is about to be too old.
    [[nodiscard]] bool is_due() const noexcept {
        return is_newer() && (kept_.is_never() || greatest_ >= kept_.plus_seconds(kKeepEvery_s));
    }
    // greatest() is not what is on disk.
    [[nodiscard]] bool is_newer() const noexcept { return greatest_ > kept_; }
    void on_kept() noexcept { kept_ = greatest_; }

private:
    Timestamp floor_;
    Timestamp greatest_;
    Timestamp kept_;  // what is on disk
};

}  // namespace towpath::control::wireguard
