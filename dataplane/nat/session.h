// SPDX-License-Identifier: BSD-3-Clause
// A session: a mapping and one remote (nat-behaviour.md 3.2). TCP always has one per connection;
// UDP and ICMP only under filtering that depends on the remote. Owned by the mapping's owner, read
// by every worker; others store only the two times, relaxed.
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/nat/mapping.h"

namespace towpath::nat {

// nat-behaviour.md section 8; CLOSED is no session. `permit` is no TCP state: the remote was sent
// to and may answer. `ending`: out of the index, waiting for the other workers.
enum class SessionState : std::uint8_t {
    free,
    permit,
    init_inside,
    init_outside,
    established,
    fin_inside,
    fin_outside,
    fin_both,
    transitory,
    ending,
};

struct Session {
    EntryIndex mapping = kNoEntry;
    Ipv4Address remote_address;
    Port remote_port;  // 0 where only the address counts
    std::atomic<SessionState> state{SessionState::free};
    // While `ending`: what to return to. Of the owner alone, as everything below the times.
    SessionState state_before_end = SessionState::free;
    std::atomic<std::uint32_t> last_inside_s{0};
    std::atomic<std::uint32_t> last_outside_s{0};
    // permit by address under TCP: how many connections keep it (at most one per remote port).
    std::uint16_t references = 0;
    std::uint8_t timer_slot = 0;
    bool opened_outside : 1 = false;
    bool keeps_permit : 1 = false;  // holds a reference on the permit of its remote's address
    EntryIndex previous = kNoEntry;
    EntryIndex next = kNoEntry;
};
static_assert(sizeof(Session) == 32);

// The later of both sides' times: seconds wrap, so compare by difference.
[[nodiscard]] inline std::uint32_t last_seen_s(const Session& session) noexcept {
    const std::uint32_t inside_s = session.last_inside_s.load(std::memory_order_relaxed);
    const std::uint32_t outside_s = session.last_outside_s.load(std::memory_order_relaxed);
    return static_cast<std::int32_t>(outside_s - inside_s) > 0 ? outside_s : inside_s;
}

}  // namespace towpath::nat
