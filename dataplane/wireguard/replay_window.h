// SPDX-License-Identifier: BSD-3-Clause
// Which counters of a receiving key were seen (wireguard.md section 12; the algorithm of RFC 6479):
// a ring of 8192 bits behind the highest counter. Belongs to one worker, the session's owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace towpath::wireguard {

// No counter from here on is sent or accepted (wireguard.md section 1, REJECT_AFTER_MESSAGES).
inline constexpr std::uint64_t kRejectAfterMessages = ~std::uint64_t{0} - (std::uint64_t{1} << 13U);

class ReplayWindow {
public:
    static constexpr std::size_t kWords = 128;
    // How far behind the highest counter one is still judged. A word less than the ring holds, so
    // that the oldest word asked about has never been taken for newer counters.
    static constexpr std::uint64_t kReach = (kWords - 1) * 64;

    // Whether accept() would say yes; changes nothing, so it may run before authentication.
    [[nodiscard]] bool would_accept(std::uint64_t counter) const noexcept {
        if (counter >= kRejectAfterMessages) {
            return false;
        }
        if (counter >= next_) {
            return true;
        }
        return next_ - 1 - counter <= kReach && (word_of(counter) & bit_of(counter)) == 0;
    }
    // Fetches what the two others look at.
    void prefetch(std::uint64_t counter) const noexcept {
        __builtin_prefetch(&words_[position_of(counter)], 1);
    }
    // Once per counter and only after authentication; false for a counter seen before, too old or
    // beyond the limit.
    [[nodiscard]] bool accept(std::uint64_t counter) noexcept;
    // As if nothing had been received: for a slot that is given to another key.
    void clear() noexcept { next_ = 0; }

private:
    [[nodiscard]] static std::size_t position_of(std::uint64_t counter) noexcept {
        return counter / 64 % kWords;
    }
    [[nodiscard]] static std::uint64_t bit_of(std::uint64_t counter) noexcept {
        return std::uint64_t{1} << counter % 64;
    }
    [[nodiscard]] std::uint64_t word_of(std::uint64_t counter) const noexcept {
        return words_[position_of(counter)];
    }

    // The highest accepted counter + 1; 0 before the first.
    std::uint64_t next_ = 0;
    // Words of counters not yet reached hold anything: they are cleared when the head enters them.
    std::array<std::uint64_t, kWords> words_{};
};

}  // namespace towpath::wireguard
