// SPDX-License-Identifier: BSD-3-Clause
// Which bytes of one datagram have been seen, to tell a new fragment from an exact duplicate and
// from an overlap (nat-behaviour.md 11.4). Ranges are kept one by one, so that a duplicate is told
// exactly; when kRangesMax are kept, those that touch are joined, and from then on a duplicate of a
// joined piece counts as an overlap.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace towpath::parse {

class FragmentRanges {
public:
    static constexpr std::size_t kRangesMax = 64;
    enum class Verdict : std::uint8_t { fresh, duplicate, overlap, full };

    // [first, end) in bytes, first < end <= 65535.
    [[nodiscard]] Verdict record(std::uint32_t first, std::uint32_t end) noexcept {
        for (std::size_t index = 0; index < size_; ++index) {
            const Range& range = ranges_[index];
            if (range.first == first && range.end == end) {
                return Verdict::duplicate;
            }
            if (first < range.end && range.first < end) {
                return Verdict::overlap;
            }
        }
        if (size_ == kRangesMax) {
            join();
        }
        if (size_ == kRangesMax) {
            return Verdict::full;
        }
        ranges_[size_++] = {static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(end)};
        return Verdict::fresh;
    }
    void clear() noexcept { size_ = 0; }

private:
    struct Range {
        std::uint16_t first;
        std::uint16_t end;
    };

    // Insertion sort (nearly sorted as a rule), then one pass.
    void join() noexcept {
        for (std::size_t index = 1; index < size_; ++index) {
            const Range moved = ranges_[index];
            std::size_t hole = index;
            for (; hole > 0 && ranges_[hole - 1].first > moved.first; --hole) {
                ranges_[hole] = ranges_[hole - 1];
            }
            ranges_[hole] = moved;
        }
        std::size_t last = 0;
        for (std::size_t index = 1; index < size_; ++index) {
            if (ranges_[last].end == ranges_[index].first) {
                ranges_[last].end = ranges_[index].end;
            } else {
                ranges_[++last] = ranges_[index];
            }
        }
        size_ = last + 1;
    }

    std::array<Range, kRangesMax> ranges_;
    std::size_t size_ = 0;
};

}  // namespace towpath::parse
