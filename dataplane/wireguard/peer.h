// SPDX-License-Identifier: BSD-3-Clause
// A peer as the data path sees it: its sessions, where it is, when it was last heard of and what it
// moved. Everything that more than one thread touches is atomic and relaxed: a stamp that is a
// moment old moves a timer by a moment.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "dataplane/packet/interface.h"
#include "dataplane/wireguard/capacity.h"
#include "dataplane/wireguard/endpoint_record.h"
#include "dataplane/wireguard/peer_slots.h"

namespace towpath::wireguard {

// Adds to a counter of a peer or session and says what it was. `is_alone`: no other thread adds to
// it, as in a data plane of one worker; then nothing is locked.
inline std::uint64_t add_shared(std::atomic<std::uint64_t>& counter, std::uint64_t amount,
                                bool is_alone) noexcept {
    if (!is_alone) {
        return counter.fetch_add(amount, std::memory_order_relaxed);
    }
    const std::uint64_t before = counter.load(std::memory_order_relaxed);
    counter.store(before + amount, std::memory_order_relaxed);
    return before;
}

// What control says about a peer.
struct PeerSettings {
    InterfaceId tunnel = kNoInterface;
    std::uint16_t keepalive_s = 0;  // persistent keepalive; 0: off
};

// A moment that may not have come: when a timer was armed, when something last happened.
class Stamp {
public:
    [[nodiscard]] bool is_set() const noexcept { return value() != 0; }
    // Epoch if it is not set.
    [[nodiscard]] Now at() const noexcept { return Now{Duration{value()}}; }
    // `now` of a burst is one value, so only its first packet writes.
    void set(Now now) noexcept {
        if (at() != now) {
            value_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
        }
    }
    void set_if_clear(Now now) noexcept {
        if (!is_set()) {
            set(now);
        }
    }
    void clear() noexcept {
        if (is_set()) {
            value_.store(0, std::memory_order_relaxed);
        }
    }

private:
    [[nodiscard]] Duration::rep value() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }
    std::atomic<Duration::rep> value_{0};
};

// When the first data came since anything was sent, and whether more has: a stamp whose lowest bit,
// a nanosecond, is the mark of more.
class UnacknowledgedStamp {
public:
    [[nodiscard]] bool is_set() const noexcept { return value() != 0; }
    [[nodiscard]] bool has_more() const noexcept { return (value() & kMore) != 0; }
    [[nodiscard]] Now at() const noexcept { return Now{Duration{value() & ~kMore}}; }
    // Without a mark.
    void set(Now now) noexcept { put(now.time_since_epoch().count() & ~kMore); }
    // Data came at `now`.
    void note(Now now) noexcept {
        const Duration::rep held = value();
        if (held == 0) {
            set(now);
        } else if ((held & kMore) == 0) {
            put(held | kMore);
        }
    }
    void clear() noexcept {
        if (is_set()) {
            put(0);
        }
    }

private:
    static constexpr Duration::rep kMore = 1;
    [[nodiscard]] Duration::rep value() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }
    void put(Duration::rep value) noexcept { value_.store(value, std::memory_order_relaxed); }
    std::atomic<Duration::rep> value_{0};
};

// Packets of a peer that wait for a session, of its home worker alone: positions in that worker's
// Staging.
struct StagedList {
    std::uint32_t first = 0;  // position + 1; 0: none
    std::uint32_t last = 0;
    std::uint32_t count = 0;
    std::uint32_t waiting_at = 0;  // place among the peers that wait + 1; 0: it does not
    bool is_abandoned = false;     // what waits is to be dropped
};

// What only a peer without a usable session needs; apart from the others, so that packets do not
// fetch it.
struct PeerWaiting {
    Stamp asked_at;  // last event that asks for a handshake
    StagedList staged;
};

// Three cache lines: a packet needs the last, and the one of the first two that is in force.
struct alignas(64) Peer {
    [[no_unique_address]] EndpointRecord endpoint;  // its tail holds what follows
    // Bit 31 in use, bits 16 to 23 the tunnel, the low 16 the keepalive interval: the server
    // thread's, changed as one word. Bits 30 and 29, anybody's: a keepalive is due at once; the
    // endpoint's path MTU was told.
    std::atomic<std::uint32_t> settings_word{0};
    SharedPeerSlots slots;
    Stamp sent_at;                                 // any authenticated message
    Stamp unanswered_since;                        // first data sent since anything was received
    Stamp received_at;                             // any authenticated message
    UnacknowledgedStamp unacknowledged_since;      // data received since anything was sent
    std::atomic<std::uint64_t> sent_bytes{0};      // UDP payload (wireguard.md section 10 step 9)
    std::atomic<std::uint64_t> received_bytes{0};  // (section 11 step 16)

    static constexpr std::uint32_t kInUse = 1U << 31U;
    static constexpr std::uint32_t kKeepaliveDue = 1U << 30U;
    static constexpr std::uint32_t kPathMtuTold = 1U << 29U;
    static constexpr std::uint32_t kNotes = kKeepaliveDue | kPathMtuTold;
    [[nodiscard]] bool is_in_use() const noexcept { return (word() & kInUse) != 0; }
    [[nodiscard]] InterfaceId tunnel() const noexcept {
        return static_cast<InterfaceId>(word() >> 16U & 0xFFU);
    }
    [[nodiscard]] Duration keepalive_interval() const noexcept {
        return std::chrono::seconds{word() & 0xFFFFU};
    }
    // `note` is one of kNotes.
    [[nodiscard]] bool has(std::uint32_t note) const noexcept { return (word() & note) != 0; }
    void set(std::uint32_t note) noexcept {
        settings_word.fetch_or(note, std::memory_order_acq_rel);
    }
    void clear(std::uint32_t note) noexcept {
        if (has(note)) {
            settings_word.fetch_and(~note, std::memory_order_acq_rel);
        }
    }

    [[nodiscard]] std::uint32_t word() const noexcept {
        return settings_word.load(std::memory_order_relaxed);
    }
};
static_assert(sizeof(Peer) == 192 && offsetof(Peer, settings_word) == 132);

}  // namespace towpath::wireguard
