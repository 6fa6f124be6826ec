// SPDX-License-Identifier: BSD-3-Clause
// Which worker owns the mappings of an inside address (nat-behaviour.md 13.4, ST-7; decisions.md
// N1, N2). From the address alone, never the five-tuple: two flows of one inside endpoint must meet
// one owner, or the NAT would not be endpoint-independent. Pure; receive, allocation and tests
// share it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/wire/address.h"

namespace towpath {

inline constexpr std::size_t kWorkersMax = 16;

using WorkerId = std::uint8_t;

class Ownership {
public:
    // 1 <= workers <= kWorkersMax. The key keeps a sender from choosing addresses that meet on one
    // worker.
    constexpr Ownership(std::size_t workers, std::uint64_t key) noexcept
        : key_{key | 1U}, workers_{static_cast<std::uint32_t>(workers)} {}

    [[nodiscard]] constexpr WorkerId owner_of(Ipv4Address inside) const noexcept {
        const std::uint64_t mixed =
            (std::uint64_t{inside.bits()} ^ key_ >> 32U) * 0x9E3779B97F4A7C15U ^ key_;
        const std::uint64_t hash = (mixed ^ mixed >> 29U) * 0xBF58476D1CE4E5B9U >> 32U;
        return static_cast<WorkerId>(hash * workers_ >> 32U);
    }
    [[nodiscard]] constexpr std::size_t workers() const noexcept { return workers_; }

private:
    std::uint64_t key_;
    std::uint32_t workers_;
};

}  // namespace towpath
