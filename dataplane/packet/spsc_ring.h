// SPDX-License-Identifier: BSD-3-Clause
// A bounded ring between one producer and one consumer thread. Never blocks, never allocates after
// construction; what does not fit is refused and the caller says what that means.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

#include "dataplane/wire/assertion.h"

namespace towpath {

template <class T>
requires std::is_trivially_copyable_v<T>
class SpscRing {
public:
    // `capacity` is a power of two.
    explicit SpscRing(std::size_t capacity) : storage_(capacity), mask_{capacity - 1} {
        TOWPATH_ASSERT(std::has_single_bit(capacity));
    }

    // Producer only. How many of `values`, from the front, were taken.
    [[nodiscard]] std::size_t push(std::span<const T> values) noexcept {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (storage_.size() - (tail - cached_head_) < values.size()) {
            cached_head_ = head_.load(std::memory_order_acquire);
        }
        const std::size_t free = storage_.size() - (tail - cached_head_);
        const std::size_t taken = free < values.size() ? free : values.size();
        for (std::size_t offset = 0; offset < taken; ++offset) {
            storage_[(tail + offset) & mask_] = values[offset];
        }
        tail_.store(tail + taken, std::memory_order_release);
        return taken;
    }

    // Producer only. How many values still fit.
    [[nodiscard]] std::size_t room() noexcept {
        cached_head_ = head_.load(std::memory_order_acquire);
        return storage_.size() - (tail_.load(std::memory_order_relaxed) - cached_head_);
    }

    // Consumer only. How many were written to the front of `out`.
    [[nodiscard]] std::size_t pop(std::span<T> out) noexcept {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (cached_tail_ == head) {
            cached_tail_ = tail_.load(std::memory_order_acquire);
        }
        const std::size_t available = cached_tail_ - head;
        const std::size_t taken = available < out.size() ? available : out.size();
        for (std::size_t offset = 0; offset < taken; ++offset) {
            out[offset] = storage_[(head + offset) & mask_];
        }
        head_.store(head + taken, std::memory_order_release);
        return taken;
    }

    // Either side; true of a moment ago.
    [[nodiscard]] bool empty() const noexcept {
        return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_acquire);
    }
    // Either side; true of a moment ago.
    [[nodiscard]] std::size_t size() const noexcept {
        const std::size_t head = head_.load(std::memory_order_acquire);
        return tail_.load(std::memory_order_acquire) - head;
    }
    [[nodiscard]] std::size_t capacity() const noexcept { return storage_.size(); }

private:
    std::vector<T> storage_;
    std::size_t mask_;
    alignas(64) std::atomic<std::size_t> tail_{0};
    std::size_t cached_head_ = 0;  // producer's
    alignas(64) std::atomic<std::size_t> head_{0};
    std::size_t cached_tail_ = 0;  // consumer's
};

}  // namespace towpath
