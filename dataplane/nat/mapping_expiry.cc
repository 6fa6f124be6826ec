// SPDX-License-Identifier: BSD-3-Clause
// How mappings end (decisions.md N2): the second half of MappingStore.
#include "dataplane/nat/mapping_store.h"

#include <utility>

namespace towpath::nat {

void MappingStore::expire(std::uint32_t now_s, std::size_t budget) noexcept {
    for (std::size_t looked = 0; looked < budget; ++looked) {
        const EntryIndex index = wheel_.pop_due(part_.mappings, now_s);
        if (index == kNoEntry) {
            break;
        }
        if (is_idle(at(index), now_s)) {
            begin_end(index);
        } else {
            schedule(index, now_s);
        }
    }
    run_wait_queue(now_s, budget);
    for (std::size_t looked = 0; looked < budget && !holds_.empty(); ++looked) {
        const EntryIndex index = holds_.front();
        const auto held_s = static_cast<std::int32_t>(now_s - at(index).held_since_s);
        if (held_s > static_cast<std::int32_t>(timeouts_.port_hold)) {
            end_hold(index);
            retire(index);
        } else if (runs_short()) {
            release_oldest_hold();
        } else {
            break;
        }
    }
    run_wait_queue(now_s, budget);
}

bool MappingStore::drain(std::size_t budget) noexcept {
    for (; budget != 0 && drain_cursor_ < fresh_; --budget, ++drain_cursor_) {
        const EntryIndex index = EntryIndex{worker_} << kOwnerShift | drain_cursor_;
        Mapping& mapping = at(index);
        const MappingState state = mapping.state.load(std::memory_order_relaxed);
        if (state == MappingState::free || state == MappingState::dead ||
            !tables_.pool().is_draining(mapping.pool_slot)) {
            continue;
        }
        drain_found_ = true;
        if (state == MappingState::held) {
            end_hold(index);
            retire(index);
        } else if (state == MappingState::live && mapping.sessions == 0 && !mapping.is_waiting) {
            wheel_.cancel(part_.mappings, index);
            begin_end(index);
        }
    }
    if (drain_cursor_ < fresh_) {
        return true;
    }
    drain_cursor_ = 1;
    return std::exchange(drain_found_, false);
}

// Unpublishes for readers: a live state is part of what they look for. The owner can revive.
void MappingStore::begin_end(EntryIndex index) noexcept {
    at(index).state.store(MappingState::ending, std::memory_order_release);
    at(index).is_waiting = true;
    waiting_.push_back(part_.mappings, index);
}

void MappingStore::run_wait_queue(std::uint32_t now_s, std::size_t budget) noexcept {
    if (passing_.empty() && !waiting_.empty()) {
        passing_ = waiting_;
        waiting_ = {};
        token_ = tables_.quiescence().take();
    }
    if (passing_.empty() || !tables_.quiescence().all_passed(token_)) {
        return;
    }
    for (; budget != 0 && !passing_.empty(); --budget) {
        const EntryIndex index = passing_.pop_front(part_.mappings);
        at(index).is_waiting = false;
        finish_waiting(index, now_s);
    }
}

// No worker has an older view of the entry than this.
void MappingStore::finish_waiting(EntryIndex index, std::uint32_t now_s) noexcept {
    Mapping& mapping = at(index);
    if (mapping.state.load(std::memory_order_relaxed) == MappingState::dead) {
        part_.by_inside.erase(tables_.hash_of(mapping.key), index);
        give_back_port(mapping);
        release(index);
        return;
    }
    const bool is_draining = tables_.pool().is_draining(mapping.pool_slot);
    if (mapping.state.load(std::memory_order_relaxed) == MappingState::live) {
        // Revived while it waited. If it has to end after all, readers have to be waited for anew.
        if (is_idle(mapping, now_s) || (is_draining && mapping.sessions == 0)) {
            begin_end(index);
        } else {
            schedule(index, now_s);
        }
        return;
    }
    if (!is_draining && revive(index, false, now_s)) {
        schedule(index, now_s);  // a worker stamped it after it was judged idle
        return;
    }
    --live_;
    counters_.mappings_ended[protocol_position(mapping.protocol())].add();
    emit(MappingEventKind::ended, mapping, now_s);
    mapping.held_since_s = now_s;
    mapping.state.store(MappingState::held, std::memory_order_release);
    if (is_draining || timeouts_.port_hold == 0 || mapping.pool_slot == kNoSlot) {
        retire(index);
    } else {
        begin_hold(index);
    }
}

void MappingStore::begin_hold(EntryIndex index) noexcept {
    holds_.push_back(part_.mappings, index);
    tables_.pool().ports(at(index).pool_slot, at(index).protocol()).note_hold();
}

void MappingStore::end_hold(EntryIndex index) noexcept {
    holds_.remove(part_.mappings, index);
    tables_.pool().ports(at(index).pool_slot, at(index).protocol()).note_hold_end();
}

// Out of both indexes; the port stays taken until nobody can read the entry.
void MappingStore::retire(EntryIndex index) noexcept {
    Mapping& mapping = at(index);
    mapping.state.store(MappingState::dead, std::memory_order_release);
    part_.by_inside.unpublish(tables_.hash_of(mapping.key), index);
    publish_outside(mapping, kNoEntry);
    mapping.is_waiting = true;
    waiting_.push_back(part_.mappings, index);
}

void MappingStore::release(EntryIndex index) noexcept {
    Mapping& mapping = at(index);
    mapping.state.store(MappingState::free, std::memory_order_relaxed);
    mapping.next = free_;
    free_ = index;
    ++free_count_;
}

void MappingStore::release_oldest_hold() noexcept {
    if (!holds_.empty()) {
        const EntryIndex index = holds_.front();
        end_hold(index);
        counters_.holds_released_early.add();
        retire(index);
    }
}

}  // namespace towpath::nat
