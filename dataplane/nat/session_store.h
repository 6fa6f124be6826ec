// SPDX-License-Identifier: BSD-3-Clause
// The sessions of the mappings that one worker owns: what only their owner does. A session is in
// exactly one of: free list, timer wheel, wait queue (ending), or, a permit that connections keep,
// in none.
//
// Limits: part.session_limit in all; those opened from outside, half of it, so that a flood from
// there cannot keep the inside from connecting (nat-behaviour.md 7.3).
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/nat/mapping_store.h"
#include "dataplane/nat/tables.h"
#include "dataplane/nat/timeouts.h"
#include "dataplane/nat/timer_wheel.h"

namespace towpath::nat {

enum class Side : std::uint8_t { inside, outside };

// The published session of a mapping with a remote, or kNoEntry. Any worker.
[[nodiscard]] inline EntryIndex find_session(const Tables& tables, EntryIndex mapping,
                                             Ipv4Address address, Port port,
                                             std::uint32_t hash) noexcept {
    const Tables::Part& part = tables.part(owner_of(mapping));
    return part.by_remote.find(hash, [&](EntryIndex index) {
        const Session& session = part.sessions[local_of(index)];
        return session.mapping == mapping && session.remote_address == address &&
               session.remote_port == port;
    });
}
[[nodiscard]] inline EntryIndex find_session(const Tables& tables, EntryIndex mapping,
                                             Ipv4Address address, Port port) noexcept {
    return find_session(tables, mapping, address, port, tables.hash_of(mapping, address, port));
}

class SessionStore {
public:
    SessionStore(Tables& tables, WorkerId worker, MappingStore& mappings,
                 NatCounters& counters) noexcept;

    void set_policy(const Policy& policy) noexcept { timeouts_ = TimeoutSeconds{policy.timeouts}; }

    // `count` more for a side.
    [[nodiscard]] bool has_room(Side opener, std::size_t count) const noexcept;
    // A session that is not there yet. kNoEntry when full.
    [[nodiscard]] EntryIndex create(EntryIndex mapping, Ipv4Address address, Port port,
                                    SessionState state, Side opener, std::uint32_t now_s) noexcept;
    // TCP with address-dependent filtering: every connection keeps one permit of its remote's
    // address, so that admission needs no walk. False when full.
    [[nodiscard]] bool keep_permit(EntryIndex session, std::uint32_t now_s) noexcept;
    // Another TCP state, or the same one with its timer begun again.
    void restart(EntryIndex session, SessionState next, Side side, std::uint32_t now_s) noexcept;

    void expire(std::uint32_t now_s, std::size_t budget) noexcept;
    [[nodiscard]] bool drain(std::size_t budget) noexcept;  // as MappingStore::drain
    [[nodiscard]] std::size_t live() const noexcept { return live_; }
    // Local numbers that were ever used: [1, used()].
    [[nodiscard]] EntryIndex used() const noexcept { return fresh_ - 1; }

private:
    [[nodiscard]] Session& at(EntryIndex index) const noexcept {
        return part_.sessions[local_of(index)];
    }
    [[nodiscard]] std::uint32_t hash_of(const Session& session) const noexcept {
        return tables_.hash_of(session.mapping, session.remote_address, session.remote_port);
    }
    [[nodiscard]] std::uint32_t timeout_s(const Session& session) const noexcept;
    [[nodiscard]] bool is_idle(const Session& session, std::uint32_t now_s) const noexcept;
    [[nodiscard]] EntryIndex take_free() noexcept;
    void schedule(EntryIndex index, std::uint32_t now_s) noexcept;
    void begin_end(EntryIndex index) noexcept;
    void finish_waiting(EntryIndex index, std::uint32_t now_s) noexcept;
    void release(EntryIndex index, std::uint32_t now_s) noexcept;
    void drop_permit(const Session& session) noexcept;

    Tables& tables_;
    Tables::Part& part_;
    WorkerId worker_;
    MappingStore& mappings_;
    NatCounters& counters_;
    TimeoutSeconds timeouts_;
    TimerWheel<Session> wheel_;
    EntryList<Session> waiting_;
    EntryList<Session> passing_;
    Quiescence::Token token_ = 0;
    EntryIndex free_ = kNoEntry;
    EntryIndex fresh_ = 1;
    std::size_t live_ = 0;
    std::size_t opened_outside_ = 0;
    EntryIndex drain_cursor_ = 1;
    bool drain_found_ = false;
};

}  // namespace towpath::nat
