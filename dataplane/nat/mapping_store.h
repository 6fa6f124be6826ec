// SPDX-License-Identifier: BSD-3-Clause
// The mappings that one worker owns, and everything that only their owner does: create, take back,
// end, rest the port, return the memory. One entry passes through the states of mapping.h and is
// always in exactly one of: free list, timer wheel (live), wait queue (ending, dead), hold queue.
//
// Limits: part.mapping_limit live ones; those that rest have the remaining entries, and the oldest
// gives way when these run short (counted). A live mapping never gives way to anything (C-11d).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "dataplane/nat/event_ring.h"
#include "dataplane/nat/policy.h"
#include "dataplane/nat/random.h"
#include "dataplane/nat/tables.h"
#include "dataplane/nat/timeouts.h"
#include "dataplane/nat/timer_wheel.h"
#include "dataplane/packet/drop_reason.h"

namespace towpath::nat {

// `index` is kNoEntry and `reason` says why, or the other way round.
struct Creation {
    EntryIndex index = kNoEntry;
    DropReason reason = DropReason::none;
};

class MappingStore {
public:
    MappingStore(Tables& tables, WorkerId worker, EventRing& events, NatCounters& counters,
                 Random& random) noexcept;

    void set_policy(const Policy& policy) noexcept {
        permissions_ = PortPermissions{policy};
        identifiers_ = PortPermissions::of_identifiers(policy);
        timeouts_ = TimeoutSeconds{policy.timeouts};
    }

    // In any state but dead; kNoEntry when there is none.
    [[nodiscard]] EntryIndex find(InsideKey key, std::uint32_t hash) const noexcept;
    // A live mapping for `key`: the one there is, the one that rests (its port comes back at once),
    // or a new one. Refreshed.
    [[nodiscard]] Creation ensure(InsideKey key, std::uint32_t hash, std::uint32_t now_s) noexcept;
    // Live again if it was about to end but is not idle, or is used now. False if it has to end.
    [[nodiscard]] bool revive(EntryIndex index, bool is_used, std::uint32_t now_s) noexcept;

    void add_session(EntryIndex index) noexcept { ++at(index).sessions; }
    // The last session of a TCP mapping takes the mapping with it (nat-behaviour.md 8.2).
    void remove_session(EntryIndex index, std::uint32_t now_s) noexcept;

    // One slice, at most `budget` entries each of wheel, wait queue and hold queue.
    void expire(std::uint32_t now_s, std::size_t budget) noexcept;
    // Looks at up to `budget` entries and ends those whose pool address is going. False when a
    // whole round has found none.
    [[nodiscard]] bool drain(std::size_t budget) noexcept;

    // Says what exists, `budget` entries at a time, while the ring has room.
    void resync(std::uint32_t now_s, std::size_t budget) noexcept;
    void request_resync() noexcept { resync_ = Resync::wanted; }

    // Local numbers that were ever used: [1, used()].
    [[nodiscard]] EntryIndex used() const noexcept { return fresh_ - 1; }
    [[nodiscard]] std::size_t live() const noexcept { return live_; }
    [[nodiscard]] bool has_room() const noexcept { return live_ < part_.mapping_limit; }
    [[nodiscard]] std::size_t held() const noexcept { return holds_.size(); }
    // The lines that creating a mapping for `key` will touch, `ahead` creations from now.
    void prefetch_creation(InsideKey key, std::size_t ahead) const noexcept;

private:
    enum class Resync : std::uint8_t { none, wanted, running };

    [[nodiscard]] Mapping& at(EntryIndex index) const noexcept {
        return part_.mappings[local_of(index)];
    }
    [[nodiscard]] Creation create(InsideKey key, std::uint32_t hash, std::uint32_t now_s) noexcept;
    [[nodiscard]] bool take_back(EntryIndex index, std::uint32_t now_s) noexcept;
    [[nodiscard]] EntryIndex take_free() noexcept;
    // The outside endpoint for a key; false, and counted, when there is none to be had.
    [[nodiscard]] bool take_outside(Mapping& mapping) noexcept;
    void give_back_port(const Mapping& mapping) noexcept;
    // Makes the outside endpoint lead to `index`, or to nothing.
    void publish_outside(const Mapping& mapping, EntryIndex index) noexcept;
    [[nodiscard]] std::size_t free_entries() const noexcept {
        return free_count_ + (part_.mapping_entries + 1 - fresh_);
    }
    // Fewer entries free, or on the way to it, than the next turns may ask for.
    [[nodiscard]] bool runs_short() const noexcept {
        const std::size_t wanted =
            part_.mapping_entries / 64 + std::min<std::size_t>(part_.mapping_entries / 4, 1024);
        return free_entries() + waiting_.size() + passing_.size() < wanted;
    }
    [[nodiscard]] bool is_permitted(const Mapping& mapping) const noexcept;
    [[nodiscard]] std::uint32_t timeout_s(const Mapping& mapping) const noexcept;
    [[nodiscard]] bool is_idle(const Mapping& mapping, std::uint32_t now_s) const noexcept;
    void schedule(EntryIndex index, std::uint32_t now_s) noexcept;
    void begin_end(EntryIndex index) noexcept;
    void finish_waiting(EntryIndex index, std::uint32_t now_s) noexcept;
    void begin_hold(EntryIndex index) noexcept;
    void end_hold(EntryIndex index) noexcept;
    void retire(EntryIndex index) noexcept;
    void release(EntryIndex index) noexcept;
    void release_oldest_hold() noexcept;
    void run_wait_queue(std::uint32_t now_s, std::size_t budget) noexcept;
    void emit(MappingEventKind kind, const Mapping& mapping, std::uint32_t now_s) noexcept;

    Tables& tables_;
    Tables::Part& part_;
    WorkerId worker_;
    EventRing& events_;
    NatCounters& counters_;
    Random& random_;
    PortPermissions permissions_;
    PortPermissions identifiers_;
    TimeoutSeconds timeouts_;
    TimerWheel<Mapping> wheel_;
    EntryList<Mapping> holds_;    // oldest first
    EntryList<Mapping> waiting_;  // since the last token
    EntryList<Mapping> passing_;  // until `token_` has passed
    Quiescence::Token token_ = 0;
    EntryIndex free_ = kNoEntry;
    EntryIndex fresh_ = 1;  // never used from here on
    std::size_t free_count_ = 0;
    std::size_t live_ = 0;
    EntryIndex drain_cursor_ = 1;
    EntryIndex resync_cursor_ = 1;
    bool drain_found_ = false;
    Resync resync_ = Resync::none;
};

}  // namespace towpath::nat
