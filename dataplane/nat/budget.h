// SPDX-License-Identifier: BSD-3-Clause
// Token buckets on coarse seconds: how often a worker may answer or pass on what others provoke.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "dataplane/nat/mapping.h"

namespace towpath::nat {

class TokenBucket {
public:
    // True when one more is within `per_second`, saving up at most `burst`.
    [[nodiscard]] bool take(std::uint32_t now_s, std::uint32_t per_second,
                            std::uint32_t burst) noexcept {
        if (!is_started_) {
            is_started_ = true;
            tokens_ = burst;
            last_s_ = now_s;
        }
        const std::uint32_t passed_s = std::min(now_s - last_s_, burst);
        if (static_cast<std::int32_t>(now_s - last_s_) > 0) {
            tokens_ = std::min(burst, tokens_ + passed_s * per_second);
            last_s_ = now_s;
        }
        if (tokens_ == 0) {
            return false;
        }
        --tokens_;
        return true;
    }

private:
    std::uint32_t tokens_ = 0;
    std::uint32_t last_s_ = 0;
    bool is_started_ = false;
};

// ICMP errors that one mapping lets through (nat-behaviour.md 9.2 step 9), per worker. Mappings
// whose numbers meet in one cell share it. "Fragmentation needed" has its own, larger bucket.
class IcmpErrorBudget {
public:
    [[nodiscard]] bool take(EntryIndex mapping, bool is_fragmentation_needed,
                            std::uint32_t now_s) noexcept {
        Cell& cell = cells_[mapping % kCells];
        return is_fragmentation_needed ? cell.fragmentation_needed.take(now_s, 100, 100)
                                       : cell.other.take(now_s, 10, 20);
    }

private:
    static constexpr std::size_t kCells = 1024;
    struct Cell {
        TokenBucket other;
        TokenBucket fragmentation_needed;
    };
    std::array<Cell, kCells> cells_{};
};

}  // namespace towpath::nat
