// SPDX-License-Identifier: BSD-3-Clause
// How many lines the log gets in a period. What is beyond is counted, and the count is one line.
#pragma once

#include <cstdint>
#include <utility>

#include "dataplane/wire/now.h"

namespace towpath::control {

class LineBudget {
public:
    LineBudget(unsigned lines, Duration period) noexcept : lines_{lines}, period_{period} {}

    // Whether a line may be written now.
    [[nodiscard]] bool allows(Now now) noexcept {
        close(now);
        if (used_ < lines_) {
            ++used_;
            return true;
        }
        ++left_out_;
        return false;
    }
    // How many were left out in periods that are over; each is said once.
    [[nodiscard]] std::uint64_t take_left_out(Now now) noexcept {
        close(now);
        return std::exchange(left_out_before_, 0);
    }

private:
    void close(Now now) noexcept {
        if (now - began_ >= period_) {
            began_ = now;
            used_ = 0;
            left_out_before_ += std::exchange(left_out_, 0);
        }
    }

    unsigned lines_;
    Duration period_;
    Now began_{};
    unsigned used_ = 0;
    std::uint64_t left_out_ = 0;
    std::uint64_t left_out_before_ = 0;
};

}  // namespace towpath::control
