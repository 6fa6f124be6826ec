// SPDX-License-Identifier: BSD-3-Clause
// SYNs from outside that no mapping or no session admits, kept while a simultaneous open may still
// explain them: RFC 5382 REQ-4, nat-behaviour.md 8 (state HELD), T-04 to T-04.2. Of one worker.
//
// A SYN is kept for 6 s with its buffer; a repeated one is not, so the first copy counts. Nothing
// is sent meanwhile. Then the worker looks again: if the inside has opened a connection with that
// remote from the outside endpoint that the SYN was for, whichever worker owns it, the SYN goes
// silently; else its sender is told port unreachable (3/3), at the ordinary rate of ICMP errors.
//
// Only with nat.syn-reject on: without it nothing would ever come of a kept SYN, so it is dropped
// at once. What does not fit drops silently too, for the reason for which it was refused.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/packet/batch.h"
#include "dataplane/packet/counters.h"
#include "dataplane/packet/packet.h"
#include "dataplane/wire/now.h"

namespace towpath::nat {

class State;

class HeldSyns {
public:
    static constexpr std::size_t kMax = 256;
    static constexpr Duration kHold = std::chrono::seconds{6};

    // `packet` is a whole TCP packet from its remote to an outside endpoint; `reason` is what it
    // drops for in the end. True: it is kept, and its buffer with it. False: full, or an earlier
    // copy is there.
    [[nodiscard]] bool hold(const Packet& packet, DropReason reason, Now now) noexcept;
    [[nodiscard]] bool has_due(Now now) const noexcept {
        return count_ != 0 && due_at_[head_] <= now;
    }
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    // The oldest; not empty.
    [[nodiscard]] Packet take() noexcept;

private:
    [[nodiscard]] bool contains(const Packet& packet, std::uint64_t key) const noexcept;

    // All wait equally long, so the oldest is due first: a ring.
    std::array<std::uint64_t, kMax> keys_{};  // ports and remote address; 0 where nothing is kept
    std::array<Now, kMax> due_at_{};
    std::array<Packet, kMax> packets_;
    std::size_t head_ = 0;
    std::size_t count_ = 0;
};

// Puts SYNs whose time has come into Lane::icmp_error or Lane::drop, as far as the batch has room
// beside a full burst. Every turn of the loop, before the stages. `released` counts them.
void held_syn_slice(State& state, Batch& batch, Now now, Counter& released) noexcept;

// At shutdown: what is kept goes to Lane::drop; false when nothing is left.
[[nodiscard]] bool held_syn_discard(State& state, Batch& batch, Counter& released) noexcept;

}  // namespace towpath::nat
