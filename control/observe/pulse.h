// SPDX-License-Identifier: BSD-3-Clause
// Whether the data plane answers what it is asked once a second. A process that hangs keeps its
// connection, so only its answers tell. Pure: fed with what is sent and heard, and the time.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "dataplane/wire/now.h"

namespace towpath::control {

class Pulse {
public:
    // From the first periodic query that stays without an answer.
    static constexpr Duration kSilenceMax = std::chrono::seconds{3};
    // While it builds what was committed, queries wait behind that. Less than a reload waits.
    static constexpr Duration kSilenceWhileApplyingMax = std::chrono::seconds{6};
    // So many must have been asked: when this process itself stood still, the clock alone has
    // moved.
    static constexpr std::uint32_t kUnansweredMin = 3;

    void on_asked(Now now) noexcept;
    // It said something. For how long it had been silent, if that had begun.
    std::optional<Duration> on_heard(Now now) noexcept;
    // The connection ended. A silence that has begun goes on until something is heard.
    void on_closed() noexcept;
    // True once, when the silence begins.
    [[nodiscard]] bool begins_silence(Now now, Duration longest) noexcept;
    [[nodiscard]] bool is_silent() const noexcept { return is_silent_; }
    // Since the first query without an answer; zero unless silent.
    [[nodiscard]] Duration silence(Now now) const noexcept;

private:
    std::optional<Now> asked_at_;  // the first query without an answer
    std::uint32_t unanswered_ = 0;
    bool is_silent_ = false;
};

}  // namespace towpath::control
