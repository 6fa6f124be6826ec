// SPDX-License-Identifier: BSD-3-Clause
// Carries the NAT log (observe/mapping_log.h) to a descriptor, while the configuration asks for it
// (nat.log.json). Never blocks: what the reader has no room for is dropped and counted, and the log
// says so once there is room again (nat-behaviour.md 17.1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "control/observe/mapping_log.h"

namespace towpath::control {

class NatLog {
public:
    // `descriptor` is borrowed.
    NatLog(std::string_view instance, int descriptor) : log_{instance}, descriptor_{descriptor} {}

    // True if it was off and is on now: then what exists should be asked for.
    [[nodiscard]] bool turn(bool is_on) noexcept;
    void on(const contract::EventBatch& batch, LogMoment moment);
    // Another data plane.
    void forget() noexcept { log_.forget(); }
    // Records since this process started.
    [[nodiscard]] std::uint64_t written() const noexcept { return written_; }
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

private:
    [[nodiscard]] bool write(const std::string& text);

    MappingLog log_;
    int descriptor_;
    bool is_on_ = false;
    std::string unfinished_;  // the rest of what was written in part
    std::uint64_t written_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint64_t unsaid_ = 0;  // dropped since the last gap record
};

}  // namespace towpath::control
