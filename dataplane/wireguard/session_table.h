// SPDX-License-Identifier: BSD-3-Clause
// All sessions of a data plane, found by receiver index with arithmetic and one load (wireguard.md
// section 7; decisions.md W4). Any worker reads; the server thread alone installs and retires.
//
// A slot is free, live or draining: a retired session leaves the table first, and only when every
// worker has passed a quiescent point are its keys wiped and its slot free again.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/crypto/index_permutation.h"
#include "dataplane/packet/quiescence.h"
#include "dataplane/wire/result.h"
#include "dataplane/wireguard/session.h"
#include "dataplane/wireguard/zeroed_array.h"

namespace towpath::wireguard {

// What a handshake gives. The keys are copied; the caller wipes its own.
struct NewSession {
    std::uint32_t index = 0;  // ours, of a free slot
    std::uint32_t remote_index = 0;
    PeerId peer = kNoPeer;
    WorkerId owner = 0;  // where the last handshake message arrived
    bool is_initiator = false;
    Now birth{};
    std::span<const std::byte, 32> send_key;
    std::span<const std::byte, 32> receive_key;
};

class SessionTable {
public:
    // `index_key` is random and secret. Fails with no_memory. `quiescence` outlives the table.
    [[nodiscard]] static Outcome<std::unique_ptr<SessionTable>> create(std::uint32_t capacity,
                                                                       std::uint64_t index_key,
                                                                       Quiescence& quiescence);
    ~SessionTable();
    SessionTable(const SessionTable&) = delete;
    SessionTable& operator=(const SessionTable&) = delete;

    // Any worker. The slot of an index; == capacity() or above: there is none.
    [[nodiscard]] std::uint32_t slot_of(std::uint32_t index) const noexcept {
        return permutation_.slot_of(index).slot;
    }
    [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
    // Any worker. Fetches what opening touches first; the slot may be any.
    void prefetch_to_receive(std::uint32_t slot) const noexcept {
        if (slot < capacity_) {
            __builtin_prefetch(&sessions_[slot].receive_key, 1);
        }
    }
    void prefetch_to_send(std::uint32_t slot) const noexcept {
        if (slot < capacity_) {
            __builtin_prefetch(&sessions_[slot].send_key, 1);
        }
    }
    // Any worker. Null: nobody has been given this index, or it has been retired. What is found
    // stays until the worker passes a quiescent point.
    [[nodiscard]] Session* find(std::uint32_t index) noexcept {
        return find(slot_of(index), index);
    }
    [[nodiscard]] Session* find(std::uint32_t slot, std::uint32_t index) noexcept {
        if (slot >= capacity_) {
            return nullptr;
        }
        Session& session = sessions_[slot];
        const std::uint64_t wanted = Session::kPublished | index;
        return session.published.load(std::memory_order_acquire) == wanted ? &session : nullptr;
    }
    [[nodiscard]] Session& operator[](std::uint32_t slot) noexcept { return sessions_[slot]; }
    [[nodiscard]] std::uint32_t slot_of(const Session& session) const noexcept {
        return static_cast<std::uint32_t>(&session - sessions_);
    }

    // Server thread. Refused (null): the slot is live, draining or beyond the capacity.
    [[nodiscard]] Session* install(const NewSession& session) noexcept;
    // Server thread. A live session leaves the table; one that is not live is left alone.
    void retire(std::uint32_t slot) noexcept;
    // Server thread. Wipes what no worker can see any more and says which indices are free, at most
    // `freed.size()`.
    [[nodiscard]] std::size_t collect(std::span<std::uint32_t> freed) noexcept;
    // Server thread. Whether the slot holds a live session.
    [[nodiscard]] bool is_live(std::uint32_t slot) const noexcept {
        return slot < capacity_ && states_[slot] == SlotState::live;
    }
    [[nodiscard]] std::uint32_t live_count() const noexcept { return live_count_; }

private:
    enum class SlotState : std::uint8_t { free, live, draining };
    struct Draining {
        Quiescence::Token token = 0;
        std::uint32_t slot = 0;
        std::uint32_t index = 0;
    };

    SessionTable(std::uint32_t capacity, std::uint64_t index_key, Quiescence& quiescence,
                 Session* sessions);

    crypto::IndexPermutation permutation_;
    Session* sessions_;  // capacity_ of them, zero until first installed
    std::uint32_t capacity_;
    std::uint32_t live_count_ = 0;
    Quiescence& quiescence_;
    std::vector<SlotState> states_;
    ZeroedArray<Draining> draining_;  // a ring of capacity_ entries, oldest at drain_head_
    std::size_t drain_head_ = 0;
    std::size_t drain_count_ = 0;
};

}  // namespace towpath::wireguard
