// SPDX-License-Identifier: BSD-3-Clause
// A mapping: inside endpoint and protocol to outside endpoint (RFC 4787 section 4.1). One cache
// line, read by every worker, written by its owner; others store only `last_used_s` and
// `is_replied`, relaxed and only when they change.
//
// Fields above "owner" are constant from publication until every worker has passed a quiescent
// point after the mapping left the indexes (decisions.md N2).
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/nat/realm.h"
#include "dataplane/packet/owner.h"
#include "dataplane/wire/address.h"

namespace towpath::nat {

// Where a mapping or a session lies: the owner in the high bits, its own number from 1 in the rest.
using EntryIndex = std::uint32_t;
inline constexpr EntryIndex kNoEntry = 0;
inline constexpr unsigned kOwnerShift = 27;
inline constexpr EntryIndex kLocalMask = (EntryIndex{1} << kOwnerShift) - 1;
inline constexpr std::size_t kEntriesPerOwnerMax = kLocalMask - 1;

[[nodiscard]] constexpr WorkerId owner_of(EntryIndex index) noexcept {
    return static_cast<WorkerId>(index >> kOwnerShift);
}
[[nodiscard]] constexpr EntryIndex local_of(EntryIndex index) noexcept {
    return index & kLocalMask;
}

// free -> live -> ending -> held -> dead -> free. Only live ones translate. ending: idle for too
// long, but a worker may have stamped it a moment ago, so it may become live again. held: its port
// rests (RFC 6888 REQ-8), and its own inside endpoint may have it back. dead: out of the indexes.
enum class MappingState : std::uint8_t { free, live, ending, held, dead };

// An inside endpoint, protocol and realm in 64 bits. For ICMP queries the Identifier is the port.
using InsideKey = std::uint64_t;

[[nodiscard]] constexpr InsideKey inside_key(Ipv4Address address, Port port, Protocol protocol,
                                             Realm realm = kOutsideRealm) noexcept {
    return std::uint64_t{address.bits()} << 32U | std::uint64_t{port.number()} << 16U |
           static_cast<std::uint64_t>(realm) << 8U | static_cast<std::uint64_t>(protocol);
}
[[nodiscard]] constexpr Realm realm_of(InsideKey key) noexcept {
    return Realm{static_cast<std::uint8_t>(key >> 8U)};
}

struct alignas(64) Mapping {
    InsideKey key = 0;
    Ipv4Address outside_address;
    Port outside_port;
    std::uint16_t pool_slot = 0;  // kNoSlot in the identity realm: no port is taken
    // RFC 1624 differences of the outbound rewrite, folded; inbound uses the complement
    // (nat-behaviour.md 10.2). The transport one covers the addresses too, except for ICMP.
    std::uint16_t address_delta = 0;
    std::uint16_t transport_delta = 0;
    std::atomic<MappingState> state{MappingState::free};
    std::atomic<bool> is_replied{false};        // something came back: the longer UDP timer
    std::atomic<std::uint32_t> last_used_s{0};  // coarse_seconds of the last refresh
    // Of the owner alone.
    std::uint32_t created_s = 0;
    std::uint32_t sessions = 0;
    std::uint32_t held_since_s = 0;
    std::uint8_t timer_slot = 0;
    bool is_waiting = false;         // in the wait queue, not in the wheel
    EntryIndex previous = kNoEntry;  // in a timer slot or a queue
    EntryIndex next = kNoEntry;      // likewise, or in the free list

    [[nodiscard]] Ipv4Address inside_address() const noexcept {
        return Ipv4Address{static_cast<std::uint32_t>(key >> 32U)};
    }
    [[nodiscard]] Port inside_port() const noexcept {
        return Port{static_cast<std::uint16_t>(key >> 16U)};
    }
    [[nodiscard]] Protocol protocol() const noexcept {
        return static_cast<Protocol>(static_cast<std::uint8_t>(key));
    }
    [[nodiscard]] Realm realm() const noexcept { return realm_of(key); }
    [[nodiscard]] bool is_live() const noexcept {
        return state.load(std::memory_order_acquire) == MappingState::live;
    }
};
static_assert(sizeof(Mapping) == 64);

}  // namespace towpath::nat
