// SPDX-License-Identifier: BSD-3-Clause
#include "control/wireguard/index_allocator.h"

namespace towpath::control::wireguard {

IndexAllocator::IndexAllocator(std::uint64_t key, std::uint32_t slots)
    : permutation_{key}, slots_(slots) {
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
        free_.push_back(slot);
    }
}

std::optional<std::uint32_t> IndexAllocator::allocate() {
    while (!free_.empty()) {
        const std::uint32_t number = free_.front();
        free_.pop_front();
        Slot& slot = slots_[number];
        if (!slot.is_used) {
            slot.is_used = true;
            ++in_use_;
            return permutation_.index_of({number, slot.generation});
        }
    }
    return std::nullopt;
}

bool IndexAllocator::is_in_use(std::uint32_t index) const noexcept {
    const crypto::SessionSlot named = permutation_.slot_of(index);
    return named.slot < slots_.size() && slots_[named.slot].is_used &&
           slots_[named.slot].generation == named.generation;
}

void IndexAllocator::free(std::uint32_t index) {
    if (!is_in_use(index)) {
        return;
    }
    const std::uint32_t number = permutation_.slot_of(index).slot;
    Slot& slot = slots_[number];
    slot.is_used = false;
    slot.generation =
        static_cast<std::uint16_t>((slot.generation + 1U) % crypto::kSessionGenerations);
    free_.push_back(number);
    --in_use_;
}

bool IndexAllocator::adopt(std::uint32_t index) {
    const crypto::SessionSlot named = permutation_.slot_of(index);
    if (named.slot >= slots_.size() || slots_[named.slot].is_used) {
        return false;
    }
    slots_[named.slot] = {static_cast<std::uint16_t>(named.generation), true};
    ++in_use_;
    return true;
}

}  // namespace towpath::control::wireguard
