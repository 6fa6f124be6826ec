// SPDX-License-Identifier: BSD-3-Clause
// When to look at an entry again: 256 slots of one second, entries linked through themselves. Not
// a deadline: nothing ends because its slot came, the owner reads the entry's times and decides.
// An entry that is due later than the horizon is looked at on the way, which is also how a changed
// timeout reaches it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/nat/mapping.h"

namespace towpath::nat {

// A list through `previous` and `next` of the entries themselves (Mapping or Session).
template <class Entry>
class EntryList {
public:
    [[nodiscard]] bool empty() const noexcept { return head_ == kNoEntry; }
    [[nodiscard]] EntryIndex front() const noexcept { return head_; }
    void push_back(Entry* entries, EntryIndex index) noexcept {
        Entry& entry = entries[local_of(index)];
        entry.previous = tail_;
        entry.next = kNoEntry;
        if (tail_ == kNoEntry) {
            head_ = index;
        } else {
            entries[local_of(tail_)].next = index;
        }
        tail_ = index;
        ++size_;
    }
    void remove(Entry* entries, EntryIndex index) noexcept {
        const Entry& entry = entries[local_of(index)];
        if (entry.previous == kNoEntry) {
            head_ = entry.next;
        } else {
            entries[local_of(entry.previous)].next = entry.next;
        }
        if (entry.next == kNoEntry) {
            tail_ = entry.previous;
        } else {
            entries[local_of(entry.next)].previous = entry.previous;
        }
        --size_;
    }
    // kNoEntry when empty.
    EntryIndex pop_front(Entry* entries) noexcept {
        const EntryIndex index = head_;
        if (index != kNoEntry) {
            remove(entries, index);
        }
        return index;
    }
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

private:
    EntryIndex head_ = kNoEntry;
    EntryIndex tail_ = kNoEntry;
    std::uint32_t size_ = 0;
};

template <class Entry>
class TimerWheel {
public:
    static constexpr std::uint32_t kSlots = 256;
    static constexpr std::uint32_t kHorizon_s = 250;

    // Looks at `index` in `in_s` seconds, or at the horizon.
    void schedule(Entry* entries, EntryIndex index, std::uint32_t now_s,
                  std::uint32_t in_s) noexcept {
        const std::uint32_t due_s = now_s + std::clamp<std::uint32_t>(in_s, 1, kHorizon_s);
        const auto slot = static_cast<std::uint8_t>(due_s % kSlots);
        entries[local_of(index)].timer_slot = slot;
        slots_[slot].push_back(entries, index);
    }
    void cancel(Entry* entries, EntryIndex index) noexcept {
        slots_[entries[local_of(index)].timer_slot].remove(entries, index);
    }
    // The next entry whose second has come, unlinked; kNoEntry when there is none until now. A
    // clock that stands still or steps back brings nothing; one that leaps brings every slot once.
    // A slot is done when what it held at its turn is done: what is put back into it has a turn of
    // its own, so that a late caller is never kept busy by the same entries.
    EntryIndex pop_due(Entry* entries, std::uint32_t now_s) noexcept {
        const auto late_s = static_cast<std::int32_t>(now_s - cursor_s_);
        if (is_started_ && late_s < 0) {
            return kNoEntry;
        }
        if (!is_started_ || late_s >= static_cast<std::int32_t>(kSlots)) {
            is_started_ = true;
            turn_to(now_s - kSlots + 1);
        }
        while (remaining_ == 0 || slots_[cursor_s_ % kSlots].empty()) {
            if (cursor_s_ == now_s) {
                return kNoEntry;
            }
            turn_to(cursor_s_ + 1);
        }
        --remaining_;
        return slots_[cursor_s_ % kSlots].pop_front(entries);
    }

private:
    void turn_to(std::uint32_t second) noexcept {
        cursor_s_ = second;
        remaining_ = slots_[second % kSlots].size();
    }

    std::array<EntryList<Entry>, kSlots> slots_{};
    std::uint32_t cursor_s_ = 0;
    std::uint32_t remaining_ = 0;  // of the slot at the cursor
    bool is_started_ = false;
};

}  // namespace towpath::nat
