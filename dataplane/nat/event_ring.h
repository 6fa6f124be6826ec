// SPDX-License-Identifier: BSD-3-Clause
// The stream of what happens to mappings (decisions.md N4): one bounded ring per owner, written by
// it, read by one consumer. Not a log. A full ring loses the event, counts it, and the owner then
// says what exists, between resync_begin and resync_end.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dataplane/packet/counters.h"
#include "dataplane/wire/address.h"

namespace towpath::nat {

enum class MappingEventKind : std::uint8_t {
    created,
    ended,
    resync_begin,  // forget what you knew of this owner
    exists,
    resync_end,
};

struct MappingEvent {
    Endpoint inside;
    Endpoint outside;
    std::uint32_t time_s = 0;  // coarse_seconds of the data plane's clock
    MappingEventKind kind = MappingEventKind::created;
    Protocol protocol = Protocol::udp;
};

class EventRing {
public:
    static constexpr std::size_t kCapacity = 8192;

    EventRing() : slots_{std::make_unique<std::array<MappingEvent, kCapacity>>()} {}

    // Producer. False when full; the caller counts.
    [[nodiscard]] bool push(const MappingEvent& event) noexcept {
        const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
        if (tail - head_seen_ == kCapacity) {
            head_seen_ = head_.load(std::memory_order_acquire);
            if (tail - head_seen_ == kCapacity) {
                return false;
            }
        }
        (*slots_)[tail % kCapacity] = event;
        tail_.store(tail + 1, std::memory_order_release);
        return true;
    }
    // Producer: events that still fit.
    [[nodiscard]] std::size_t room() noexcept {
        head_seen_ = head_.load(std::memory_order_acquire);
        return kCapacity - (tail_.load(std::memory_order_relaxed) - head_seen_);
    }
    // Consumer. False when empty.
    [[nodiscard]] bool pop(MappingEvent& event) noexcept {
        const std::uint32_t head = head_.load(std::memory_order_relaxed);
        if (head == tail_.load(std::memory_order_acquire)) {
            return false;
        }
        event = (*slots_)[head % kCapacity];
        head_.store(head + 1, std::memory_order_release);
        return true;
    }
    Counter lost;  // written by the producer

private:
    static_assert((kCapacity & (kCapacity - 1)) == 0);
    std::unique_ptr<std::array<MappingEvent, kCapacity>> slots_;
    alignas(64) std::atomic<std::uint32_t> tail_{0};
    std::uint32_t head_seen_ = 0;  // of the producer
    alignas(64) std::atomic<std::uint32_t> head_{0};
};

}  // namespace towpath::nat
