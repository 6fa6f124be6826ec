// SPDX-License-Identifier: BSD-3-Clause
// When the supervisor starts a child that ended again, and when it gives up: pure.
//
// A child that ends by itself soon after its very first start could not start at all: starting it
// again would say the same sentence again, so its exit code becomes the supervisor's. Any other end
// is an accident and the child is started again, at once the first time, then after a pause that
// doubles; a child that has run for kStableAfter has a clean slate.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "dataplane/wire/now.h"

namespace towpath::control {

struct ChildEnd {
    bool was_killed = false;  // by a signal
    int exit_code = 0;        // otherwise
};

class RestartPolicy {
public:
    static constexpr Duration kStableAfter = std::chrono::seconds{10};
    static constexpr Duration kPauseFirst = std::chrono::milliseconds{100};
    static constexpr Duration kPauseMax = std::chrono::seconds{5};
    // So many starts in a row that end by themselves with a failure are given up.
    static constexpr std::uint32_t kFailedStartsMax = 10;

    void on_started(Now now) noexcept;
    // When to start it again; none: give up, with the child's code.
    [[nodiscard]] std::optional<Now> on_ended(const ChildEnd& end, Now now) noexcept;

private:
    Now started_at_{};
    Duration pause_{};
    std::uint32_t failed_starts_ = 0;
    bool has_proved_itself_ = false;  // ran stably once, or was killed rather than failed
};

}  // namespace towpath::control
