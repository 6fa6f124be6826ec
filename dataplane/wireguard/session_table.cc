// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/session_table.h"

#include <algorithm>
#include <new>

#include "dataplane/wire/assertion.h"
#include "dataplane/wireguard/mapped_memory.h"

namespace towpath::wireguard {

Outcome<std::unique_ptr<SessionTable>> SessionTable::create(std::uint32_t capacity,
                                                            std::uint64_t index_key,
                                                            Quiescence& quiescence) {
    TOWPATH_ASSERT(capacity != 0 && capacity <= kSessionsMax);
    Session* const sessions = map_zeroed<Session>(capacity, MapSecrecy::secret);
    if (sessions == nullptr) {
        return fail(ExitCode::no_memory, "There is no memory for WireGuard's sessions.");
    }
    return std::unique_ptr<SessionTable>{
        new SessionTable{capacity, index_key, quiescence, sessions}};
}

SessionTable::SessionTable(std::uint32_t capacity, std::uint64_t index_key, Quiescence& quiescence,
                           Session* sessions)
    : permutation_{index_key},
      sessions_{sessions},
      capacity_{capacity},
      quiescence_{quiescence},
      states_(capacity, SlotState::free),
      draining_{capacity, Pages::ordinary} {}

SessionTable::~SessionTable() {
    for (std::uint32_t slot = 0; slot < capacity_; ++slot) {
        if (states_[slot] != SlotState::free) {
            sessions_[slot].~Session();
        }
    }
    unmap(sessions_, capacity_);
}

Session* SessionTable::install(const NewSession& session) noexcept {
    const std::uint32_t slot = slot_of(session.index);
    if (slot >= capacity_ || states_[slot] != SlotState::free) {
        return nullptr;
    }
    Session& made = *new (&sessions_[slot]) Session{};
    made.birth = session.birth;
    made.receive_until = session.birth + kRejectAfterTime;
    made.remote_index = session.remote_index;
    made.is_initiator = made.may_ask_on_receive = session.is_initiator;
    made.peer = session.peer;
    made.owner = session.owner;
    std::copy(session.send_key.begin(), session.send_key.end(), made.send_key.bytes().begin());
    std::copy(session.receive_key.begin(), session.receive_key.end(),
              made.receive_key.bytes().begin());
    made.may_send.store(true, std::memory_order_relaxed);
    made.may_receive.store(true, std::memory_order_relaxed);
    made.published.store(Session::kPublished | session.index, std::memory_order_release);
    states_[slot] = SlotState::live;
    ++live_count_;
    return &made;
}

void SessionTable::retire(std::uint32_t slot) noexcept {
    if (!is_live(slot)) {
        return;
    }
    Session& session = sessions_[slot];
    const std::uint32_t index = session.index();
    session.may_send.store(false, std::memory_order_relaxed);
    session.may_receive.store(false, std::memory_order_relaxed);
    session.published.store(0, std::memory_order_release);
    states_[slot] = SlotState::draining;
    --live_count_;
    draining_[(drain_head_ + drain_count_++) % capacity_] = {quiescence_.take(), slot, index};
}

std::size_t SessionTable::collect(std::span<std::uint32_t> freed) noexcept {
    std::size_t count = 0;
    while (count < freed.size() && drain_count_ != 0) {
        const Draining& oldest = draining_[drain_head_];
        if (!quiescence_.all_passed(oldest.token)) {
            break;
        }
        sessions_[oldest.slot].~Session();  // wipes the keys
        states_[oldest.slot] = SlotState::free;
        freed[count++] = oldest.index;
        drain_head_ = (drain_head_ + 1) % capacity_;
        --drain_count_;
    }
    return count;
}

}  // namespace towpath::wireguard
