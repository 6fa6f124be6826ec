// SPDX-License-Identifier: BSD-3-Clause
// A rate limit without a clock: the caller hands in Now. Kept as the time at which the bucket is
// full again (the virtual scheduling form of the generic cell rate algorithm), so a bucket is eight
// bytes and starts full.
#pragma once

#include <cstdint>

#include "dataplane/wire/now.h"

namespace towpath::route {

struct RateLimit {
    Duration interval{};  // between two events at the steady rate
    Duration burst{};     // what may be taken at once, as a time

    // Both at least 1.
    [[nodiscard]] static constexpr RateLimit per_second(std::int64_t events,
                                                        std::int64_t burst_events) noexcept {
        const Duration interval{1'000'000'000 / events};
        return {interval, interval * burst_events};
    }
};

class TokenBucket {
public:
    // Takes one token if there is one.
    [[nodiscard]] constexpr bool take(const RateLimit& limit, Now now) noexcept {
        const Now from = full_at_ < now ? now : full_at_;
        if (from + limit.interval > now + limit.burst) {
            return false;
        }
        full_at_ = from + limit.interval;
        return true;
    }

private:
    Now full_at_{};
};

}  // namespace towpath::route
