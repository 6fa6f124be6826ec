// SPDX-License-Identifier: BSD-3-Clause
// When the filter of a protocol becomes stricter while packets flow: nobody has noted yet to whom
// the inside sent, so the answers that are on their way would look like strangers'. For a moment
// whoever reaches a mapping passes, as before; what is sent meanwhile is noted. Of one worker.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/nat/mapping.h"
#include "dataplane/nat/policy.h"

namespace towpath::nat {

class FilterChange {
public:
    // As long as an answer may take that a user still waits for.
    static constexpr std::uint32_t kGrace_s = 2;

    void on_policy(const Policy& next) noexcept {
        const std::array<Filtering, 2> filtering{next.udp_filtering, next.icmp_filtering};
        for (std::size_t position = 0; position < filtering.size(); ++position) {
            const bool was_open = before_[position] == Filtering::endpoint_independent;
            const bool is_open = filtering[position] == Filtering::endpoint_independent;
            if (was_enabled_ && was_open && !is_open) {
                until_s_[position] = kBegins;
            } else if (is_open) {
                until_s_[position] = 0;
            }
        }
        before_ = filtering;
        was_enabled_ = next.is_enabled;
    }
    // Once per slice of expiry, which knows the time.
    void slice(std::uint32_t now_s) noexcept {
        for (std::uint32_t& until_s : until_s_) {
            until_s = until_s == kBegins ? now_s + kGrace_s : until_s;
        }
    }
    // Whether a packet of UDP or ICMP that the filter refuses passes all the same.
    [[nodiscard]] bool excuses(Protocol protocol, std::uint32_t now_s) const noexcept {
        return now_s < until_s_[protocol == Protocol::udp ? 0 : 1];
    }

private:
    static constexpr std::uint32_t kBegins = 0xFFFFFFFF;
    std::array<Filtering, 2> before_{};
    std::array<std::uint32_t, 2> until_s_{};
    bool was_enabled_ = false;
};

}  // namespace towpath::nat
