// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat/session_store.h"

#include <algorithm>
#include <utility>

namespace towpath::nat {

SessionStore::SessionStore(Tables& tables, WorkerId worker, MappingStore& mappings,
                           NatCounters& counters) noexcept
    : tables_{tables},
      part_{tables.part(worker)},
      worker_{worker},
      mappings_{mappings},
      counters_{counters} {}

bool SessionStore::has_room(Side opener, std::size_t count) const noexcept {
    const std::size_t limit = part_.session_limit;
    return live_ + count <= limit &&
           (opener == Side::inside || opened_outside_ + count <= limit / 2);
}

EntryIndex SessionStore::create(EntryIndex mapping, Ipv4Address address, Port port,
                                SessionState state, Side opener, std::uint32_t now_s) noexcept {
    if (!has_room(opener, 1)) {
        return kNoEntry;
    }
    const EntryIndex index = take_free();
    if (index == kNoEntry) {
        return kNoEntry;
    }
    Session& session = at(index);
    session.mapping = mapping;
    session.remote_address = address;
    session.remote_port = port;
    session.last_inside_s.store(now_s, std::memory_order_relaxed);
    session.last_outside_s.store(now_s, std::memory_order_relaxed);
    session.references = 0;
    session.opened_outside = opener == Side::outside;
    session.keeps_permit = false;
    session.state.store(state, std::memory_order_release);
    if (!part_.by_remote.insert(hash_of(session), index)) {
        session.state.store(SessionState::free, std::memory_order_relaxed);
        session.next = free_;
        free_ = index;
        return kNoEntry;
    }
    ++live_;
    opened_outside_ += session.opened_outside ? 1U : 0U;
    mappings_.add_session(mapping);
    counters_.sessions_created[protocol_position(tables_.mapping(mapping).protocol())].add();
    schedule(index, now_s);
    return index;
}

bool SessionStore::keep_permit(EntryIndex index, std::uint32_t now_s) noexcept {
    Session& session = at(index);
    EntryIndex permit = find_session(tables_, session.mapping, session.remote_address, Port{});
    if (permit == kNoEntry) {
        const Side opener = session.opened_outside ? Side::outside : Side::inside;
        permit = create(session.mapping, session.remote_address, Port{}, SessionState::permit,
                        opener, now_s);
        if (permit == kNoEntry) {
            return false;
        }
    }
    ++at(permit).references;
    session.keeps_permit = true;
    return true;
}

void SessionStore::drop_permit(const Session& session) noexcept {
    const EntryIndex permit =
        find_session(tables_, session.mapping, session.remote_address, Port{});
    if (permit != kNoEntry && at(permit).references != 0 && --at(permit).references == 0) {
        wheel_.cancel(part_.sessions, permit);
        begin_end(permit);
    }
}

void SessionStore::restart(EntryIndex index, SessionState next, Side side,
                           std::uint32_t now_s) noexcept {
    Session& session = at(index);
    (side == Side::inside ? session.last_inside_s : session.last_outside_s)
        .store(now_s, std::memory_order_relaxed);
    if (session.state.load(std::memory_order_relaxed) != next) {
        session.state.store(next, std::memory_order_release);
        wheel_.cancel(part_.sessions, index);
        schedule(index, now_s);
    }
}

std::uint32_t SessionStore::timeout_s(const Session& session) const noexcept {
    const SessionState state = session.state.load(std::memory_order_relaxed);
    if (state != SessionState::permit) {
        return timeouts_.of_session(state);
    }
    const Mapping& mapping = tables_.mapping(session.mapping);
    return timeouts_.of_mapping(mapping.protocol(),
                                mapping.is_replied.load(std::memory_order_relaxed));
}

bool SessionStore::is_idle(const Session& session, std::uint32_t now_s) const noexcept {
    if (session.references != 0) {
        return false;
    }
    return static_cast<std::int32_t>(now_s - last_seen_s(session)) >
           static_cast<std::int32_t>(timeout_s(session));
}

void SessionStore::schedule(EntryIndex index, std::uint32_t now_s) noexcept {
    const Session& session = at(index);
    const std::uint32_t due_s = last_seen_s(session) + timeout_s(session) + 1;
    const std::uint32_t in_s = static_cast<std::int32_t>(due_s - now_s) > 0 ? due_s - now_s : 1;
    wheel_.schedule(part_.sessions, index, now_s,
                    session.references != 0 ? TimerWheel<Session>::kHorizon_s : in_s);
}

void SessionStore::expire(std::uint32_t now_s, std::size_t budget) noexcept {
    for (std::size_t looked = 0; looked < budget; ++looked) {
        const EntryIndex index = wheel_.pop_due(part_.sessions, now_s);
        if (index == kNoEntry) {
            break;
        }
        if (is_idle(at(index), now_s)) {
            begin_end(index);
        } else {
            schedule(index, now_s);
        }
    }
    if (passing_.empty() && !waiting_.empty()) {
        passing_ = waiting_;
        waiting_ = {};
        token_ = tables_.quiescence().take();
    }
    if (passing_.empty() || !tables_.quiescence().all_passed(token_)) {
        return;
    }
    for (; budget != 0 && !passing_.empty(); --budget) {
        finish_waiting(passing_.pop_front(part_.sessions), now_s);
    }
}

bool SessionStore::drain(std::size_t budget) noexcept {
    for (; budget != 0 && drain_cursor_ < fresh_; --budget, ++drain_cursor_) {
        const EntryIndex index = EntryIndex{worker_} << kOwnerShift | drain_cursor_;
        const Session& session = at(index);
        const SessionState state = session.state.load(std::memory_order_relaxed);
        if (state == SessionState::free || state == SessionState::ending ||
            !tables_.pool().is_draining(tables_.mapping(session.mapping).pool_slot)) {
            continue;
        }
        drain_found_ = true;
        if (session.references == 0) {  // a permit goes with the connections that keep it
            wheel_.cancel(part_.sessions, index);
            begin_end(index);
        }
    }
    if (drain_cursor_ < fresh_) {
        return true;
    }
    drain_cursor_ = 1;
    return std::exchange(drain_found_, false);
}

void SessionStore::begin_end(EntryIndex index) noexcept {
    Session& session = at(index);
    session.state_before_end = session.state.load(std::memory_order_relaxed);
    session.state.store(SessionState::ending, std::memory_order_release);
    part_.by_remote.unpublish(hash_of(session), index);
    waiting_.push_back(part_.sessions, index);
}

// No worker can see the session any more; one may have stamped it before (decisions.md N2).
void SessionStore::finish_waiting(EntryIndex index, std::uint32_t now_s) noexcept {
    Session& session = at(index);
    session.state.store(session.state_before_end, std::memory_order_release);
    // Its place may meanwhile belong to a session that the same remote opened anew.
    const bool is_replaced = find_session(tables_, session.mapping, session.remote_address,
                                          session.remote_port) != kNoEntry;
    const bool is_timed = session.state_before_end != SessionState::permit ||
                          tables_.mapping(session.mapping).protocol() != Protocol::tcp;
    const bool is_draining = tables_.pool().is_draining(tables_.mapping(session.mapping).pool_slot);
    if (is_timed && !is_replaced && !is_draining && !is_idle(session, now_s)) {
        part_.by_remote.republish(hash_of(session), index);
        schedule(index, now_s);
        counters_.revived.add();
        return;
    }
    release(index, now_s);
}

void SessionStore::release(EntryIndex index, std::uint32_t now_s) noexcept {
    Session& session = at(index);
    const EntryIndex mapping = session.mapping;
    part_.by_remote.erase(hash_of(session), index);
    if (session.keeps_permit) {
        drop_permit(session);
    }
    session.state.store(SessionState::free, std::memory_order_relaxed);
    session.references = 0;
    session.next = free_;
    free_ = index;
    --live_;
    opened_outside_ -= session.opened_outside ? 1U : 0U;
    counters_.sessions_ended[protocol_position(tables_.mapping(mapping).protocol())].add();
    mappings_.remove_session(mapping, now_s);
}

EntryIndex SessionStore::take_free() noexcept {
    if (free_ != kNoEntry) {
        const EntryIndex index = free_;
        free_ = at(index).next;
        return index;
    }
    if (fresh_ > part_.session_entries) {
        return kNoEntry;
    }
    return EntryIndex{worker_} << kOwnerShift | fresh_++;
}

}  // namespace towpath::nat
