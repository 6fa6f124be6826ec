// SPDX-License-Identifier: BSD-3-Clause
// Which ICMP errors were sent within the last second, by a hash of what makes two of them identical
// (nat-behaviour.md 16.3). Four places for each part of the hash; the oldest gives way, so an error
// can only be sent too often while four others that meet it were sent in the same second.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "dataplane/wire/now.h"

namespace towpath::route {

class RecentErrors {
public:
    [[nodiscard]] bool contains(std::uint64_t hash, Now now) const noexcept {
        for (const Entry& entry : set_of(hash)) {
            if (entry.tag == tag_of(hash) && age_ms(entry, now) < kQuiet_ms) {
                return true;
            }
        }
        return false;
    }
    // Sent now.
    void note(std::uint64_t hash, Now now) noexcept {
        Entry* oldest = nullptr;
        for (Entry& entry : set_of(hash)) {
            if (entry.tag == tag_of(hash) || entry.tag == kFree) {
                oldest = &entry;
                break;
            }
            if (oldest == nullptr || age_ms(entry, now) > age_ms(*oldest, now)) {
                oldest = &entry;
            }
        }
        *oldest = {tag_of(hash), milliseconds(now)};
    }

private:
    static constexpr std::size_t kSets = 512;
    static constexpr std::size_t kWays = 4;
    static constexpr std::uint32_t kQuiet_ms = 1000;
    static constexpr std::uint32_t kFree = 0;

    struct Entry {
        std::uint32_t tag = kFree;
        std::uint32_t sent_ms = 0;  // wraps; only differences count
    };
    using Set = std::array<Entry, kWays>;

    [[nodiscard]] static std::uint32_t tag_of(std::uint64_t hash) noexcept {
        return static_cast<std::uint32_t>(hash >> 32U) | 1U;
    }
    [[nodiscard]] static std::uint32_t milliseconds(Now now) noexcept {
        return static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count());
    }
    [[nodiscard]] static std::uint32_t age_ms(const Entry& entry, Now now) noexcept {
        return milliseconds(now) - entry.sent_ms;
    }
    [[nodiscard]] const Set& set_of(std::uint64_t hash) const noexcept {
        return sets_[hash % kSets];
    }
    [[nodiscard]] Set& set_of(std::uint64_t hash) noexcept { return sets_[hash % kSets]; }

    std::array<Set, kSets> sets_{};
};

}  // namespace towpath::route
