// SPDX-License-Identifier: BSD-3-Clause
#include "testbed/traffic/tally.h"

#include <algorithm>
#include <limits>

namespace towpath::testbed {

Tally::Tally(std::size_t sequence_count) : seen_(sequence_count, false) {
    latencies_ns_.reserve(sequence_count);
}

void Tally::take(std::uint32_t sequence, std::uint64_t latency_ns) {
    if (sequence >= seen_.size()) {
        ++foreign_;
        return;
    }
    if (seen_[sequence]) {
        ++repeated_;
        return;
    }
    seen_[sequence] = true;
    if (sequence < highest_) {
        ++disordered_;
    }
    highest_ = std::max(highest_, sequence);
    constexpr std::uint64_t kLongestNs = std::numeric_limits<std::uint32_t>::max();
    latencies_ns_.push_back(static_cast<std::uint32_t>(std::min(latency_ns, kLongestNs)));
}

std::uint64_t Tally::latency_quantile_ns(double fraction) {
    if (latencies_ns_.empty()) {
        return 0;
    }
    const auto rank =
        static_cast<std::ptrdiff_t>(fraction * static_cast<double>(latencies_ns_.size() - 1));
    std::nth_element(latencies_ns_.begin(), latencies_ns_.begin() + rank, latencies_ns_.end());
    return latencies_ns_[static_cast<std::size_t>(rank)];
}

std::uint64_t Tally::longest_gap(std::uint64_t sent) const noexcept {
    std::uint64_t longest = 0;
    std::uint64_t run = 0;
    for (std::uint64_t sequence = 0; sequence < std::min<std::uint64_t>(sent, seen_.size());
         ++sequence) {
        run = seen_[sequence] ? 0 : run + 1;
        longest = std::max(longest, run);
    }
    return longest;
}

}  // namespace towpath::testbed
