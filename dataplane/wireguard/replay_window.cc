// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/replay_window.h"

#include <algorithm>

namespace towpath::wireguard {

bool ReplayWindow::accept(std::uint64_t counter) noexcept {
    if (!would_accept(counter)) {
        return false;
    }
    if (counter >= next_) {
        // Words that the head has been in, counted from the beginning: none before the first.
        const std::uint64_t entered = (next_ + 63) / 64;
        const std::uint64_t now_entered = counter / 64 + 1;
        // More than a whole ring ahead, every word is of the past.
        const std::uint64_t new_words = std::min<std::uint64_t>(now_entered - entered, kWords);
        for (std::uint64_t word = now_entered - new_words; word < now_entered; ++word) {
            words_[word % kWords] = 0;
        }
        next_ = counter + 1;
    }
    words_[position_of(counter)] |= bit_of(counter);
    return true;
}

}  // namespace towpath::wireguard
