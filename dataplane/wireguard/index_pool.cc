// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/index_pool.h"

namespace towpath::wireguard {

std::uint32_t IndexPool::take() noexcept {
    if (free_ == 0) {
        collect();
    }
    if (free_ != 0) {
        const std::uint32_t index = free_;
        free_ = next_[index];
        return index;
    }
    if (touched_ < count_) {
        return ++touched_;
    }
    return 0;
}

void IndexPool::give_back(std::uint32_t index) noexcept {
    next_[index] = free_;
    free_ = index;
}

void IndexPool::retire(std::uint32_t index) noexcept {
    next_[index] = retired_;
    retired_ = index;
    if (retired_last_ == 0) {
        retired_last_ = index;
    }
}

// One token serves everything that was retired before it, so that a large removal costs few.
void IndexPool::collect() noexcept {
    if (waiting_ != 0 && quiescence_.all_passed(token_)) {
        next_[waiting_last_] = free_;
        free_ = waiting_;
        waiting_ = 0;
    }
    if (waiting_ == 0 && retired_ != 0) {
        waiting_ = retired_;
        waiting_last_ = retired_last_;
        retired_ = 0;
        retired_last_ = 0;
        token_ = quiescence_.take();
    }
}

}  // namespace towpath::wireguard
