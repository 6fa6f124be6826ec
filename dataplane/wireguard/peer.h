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

// Packets of a peer that wait for a session, of its home worker alone: positions in that worker's
// Staging.
struct StagedList {
    std::uint32_t first = 0;  // position + 1; 0: none
    std::uint32_t last = 0;
    std::uint32_t count = 0;
    std::uint32_t waiting_at = 0;  // place among the peers that wait + 1; 0: it does not
    bool is_abandoned = false;     // what waits is to be dropped
};

struct alignas(64) Peer {
    SharedPeerSlots slots;
    // Changed by the server thread as one word: bit 31 in use, bits 16 to 23 the tunnel, the low 16
    // the keepalive interval.
    std::atomic<std::uint32_t> settings_word{0};
    std::atomic<bool> keepalive_is_due{false};  // at once: persistent keepalive was switched on
    Stamp asked_at;                             // last event that asks for a handshake
    StagedList staged;
    std::array<std::byte, 8> unused{};  // for the place of the record
    EndpointRecord endpoint;

    // Sending and receiving in one line: who has many peers fetches it once for both.
    alignas(64) Stamp sent_at;                     // any authenticated message
    Stamp unanswered_since;                        // first data sent since anything was received
    Stamp received_at;                             // any authenticated message
    Stamp unacknowledged_since;                    // first data received since anything was sent
    std::atomic<std::uint64_t> sent_bytes{0};      // UDP payload (wireguard.md section 10 step 9)
    std::atomic<std::uint64_t> received_bytes{0};  // (section 11 step 16)
    std::atomic<bool> has_more_unacknowledged{false};

    static constexpr std::uint32_t kInUse = 1U << 31U;
    [[nodiscard]] bool is_in_use() const noexcept { return (word() & kInUse) != 0; }
    [[nodiscard]] InterfaceId tunnel() const noexcept {
        return static_cast<InterfaceId>(word() >> 16U & 0xFFU);
    }
    [[nodiscard]] Duration keepalive_interval() const noexcept {
        return std::chrono::seconds{word() & 0xFFFFU};
    }

    [[nodiscard]] std::uint32_t word() const noexcept {
        return settings_word.load(std::memory_order_relaxed);
    }
};
static_assert(sizeof(Peer) == 256 && offsetof(Peer, endpoint) == 56);

}  // namespace towpath::wireguard
