// SPDX-License-Identifier: BSD-3-Clause
// A set of IPv4 prefixes as sorted, disjoint ranges: one membership test per packet, whatever the
// number of prefixes the operator listed. Built off the data path; immutable afterwards.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/wire/address.h"

namespace towpath {

class PrefixSet {
public:
    PrefixSet() = default;
    explicit PrefixSet(std::span<const Ipv4Prefix> prefixes) {
        std::vector<Range> sorted;
        sorted.reserve(prefixes.size());
        for (const Ipv4Prefix& prefix : prefixes) {
            sorted.push_back({prefix.address().bits(), prefix.broadcast().bits()});
        }
        std::sort(sorted.begin(), sorted.end(),
                  [](const Range& left, const Range& right) { return left.first < right.first; });
        for (const Range& range : sorted) {
            // 64 bits, so that a range that ends at 255.255.255.255 has a successor.
            if (!ranges_.empty() &&
                std::uint64_t{range.first} <= std::uint64_t{ranges_.back().last} + 1) {
                ranges_.back().last = std::max(ranges_.back().last, range.last);
            } else {
                ranges_.push_back(range);
            }
        }
    }

    [[nodiscard, gnu::always_inline]] bool contains(Ipv4Address address) const noexcept {
        const Range* base = ranges_.data();
        std::size_t left = ranges_.size();
        while (left > 1) {  // the last range that starts at or below the address
            const std::size_t half = left / 2;
            base = base[half].first <= address.bits() ? base + half : base;
            left -= half;
        }
        return left == 1 && base->first <= address.bits() && address.bits() <= base->last;
    }
    [[nodiscard]] bool empty() const noexcept { return ranges_.empty(); }

private:
    struct Range {
        std::uint32_t first;
        std::uint32_t last;  // inclusive
    };
    std::vector<Range> ranges_;
};

}  // namespace towpath
