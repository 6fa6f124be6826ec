// SPDX-License-Identifier: BSD-3-Clause
// TAI64N time stamps of initiations (wireguard.md section 6): they only ever grow, so that an
// initiation cannot be replayed.
#pragma once

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

}  // namespace towpath::control::wireguard
