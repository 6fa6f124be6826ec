// SPDX-License-Identifier: BSD-3-Clause
// Contexts of datagrams in fragments and the fragments that wait (nat-behaviour.md 11.2, 11.3). One
// per worker. Everything is reserved at construction; every limit refuses or evicts what only
// waits, never what is resolved. Knows packets as values to keep, not what is in them.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/packet/packet.h"
#include "dataplane/parse/fragment_ranges.h"
#include "dataplane/wire/now.h"

namespace towpath::parse {

struct FragmentLimits {
    std::size_t contexts = 4096;
    std::size_t contexts_per_source =
        64;  // sources that share one of 8192 counters share the limit
    std::size_t held_per_datagram = 64;
    std::size_t held = 2048;  // keep it at or below a tenth of the packet buffers
    std::size_t held_bytes = 8U * 1024 * 1024;
    Duration timeout = std::chrono::seconds{5};  // from the first arrival; floor 2 s
};

struct FragmentKey {
    Ipv4Address source;
    Ipv4Address destination;
    std::uint16_t identification = 0;
    std::uint8_t ip_protocol = 0;
    InterfaceRole side = InterfaceRole::neutral;
    friend bool operator==(const FragmentKey&, const FragmentKey&) noexcept = default;
};

// waiting: the first fragment has not come. poisoned: fragments contradict each other. refused: the
// first fragment was.
enum class FragmentStanding : std::uint8_t { waiting, resolved, poisoned, refused };

using FragmentSlot = std::uint32_t;
inline constexpr FragmentSlot kNoSlot = 0xFFFFFFFFU;

struct FragmentContext {
    FragmentKey key;
    FragmentStanding standing = FragmentStanding::waiting;
    TransportKind transport = TransportKind::unknown;
    Port source_port;
    Port destination_port;
    be16 replacement_identification;
    Now born{};
    bool is_counted = true;  // among those of its source
    FragmentRanges ranges;
    // Queue of held fragments.
    FragmentSlot head = kNoSlot;
    FragmentSlot tail = kNoSlot;
    std::uint32_t queued = 0;
    // Chains: of the hash bucket, of all by age, of the waiting ones by age.
    FragmentSlot hash_next = kNoSlot;
    FragmentSlot age_previous = kNoSlot, age_next = kNoSlot;
    FragmentSlot waiting_previous = kNoSlot, waiting_next = kNoSlot;
};

class FragmentTable {
public:
    // The key keeps a sender from choosing datagrams that meet in one bucket.
    explicit FragmentTable(const FragmentLimits& limits = {}, std::uint64_t key = 0);

    [[nodiscard]] FragmentContext* find(const FragmentKey& key) noexcept;
    // A new context, at the cost of the oldest waiting one if need be; null when limits refuse.
    [[nodiscard]] FragmentContext* create(const FragmentKey& key, FragmentStanding standing,
                                          Now now) noexcept;
    // Keeps the packet behind the context's queue; none if taken.
    [[nodiscard]] DropReason hold(FragmentContext& context, const Packet& packet) noexcept;
    // Keeps the packet behind everything that is ready, so that order holds; none if taken.
    [[nodiscard]] DropReason hold_ready(const Packet& packet) noexcept;
    // Ends waiting. The queue becomes ready (resolved), annotated from the context, or is given up
    // for `verdict` (poisoned, refused).
    void settle(FragmentContext& context, FragmentStanding standing, DropReason verdict) noexcept;
    // The resolved context of that datagram, if there is one: it no longer counts among those of
    // its source, because somebody else bounds how many there are; or it ends, because the datagram
    // is complete.
    void exempt(const FragmentKey& key) noexcept;
    void forget(const FragmentKey& key) noexcept;
    // Ends at most `budget` contexts born before now - timeout; their queues are given up.
    void expire(Now now, std::size_t budget) noexcept;
    void end_all() noexcept;

    [[nodiscard]] bool has_ready() const noexcept { return ready_.head != kNoSlot; }
    [[nodiscard]] bool has_given_up() const noexcept { return given_up_.head != kNoSlot; }
    // The oldest; only if there is one.
    [[nodiscard]] Packet take_ready() noexcept { return take(ready_); }
    // With the verdict it drops for.
    [[nodiscard]] Packet take_given_up() noexcept { return take(given_up_); }

    [[nodiscard]] std::size_t context_count() const noexcept { return context_count_; }
    [[nodiscard]] std::size_t held_count() const noexcept { return held_count_; }

private:
    struct Held {
        Packet packet;
        FragmentSlot next = kNoSlot;
    };
    struct Queue {
        FragmentSlot head = kNoSlot;
        FragmentSlot tail = kNoSlot;
    };

    [[nodiscard]] FragmentSlot slot_of(const FragmentContext& context) const noexcept {
        return static_cast<FragmentSlot>(&context - contexts_.data());
    }
    [[nodiscard]] std::size_t bucket_of(const FragmentKey& key) const noexcept;
    [[nodiscard]] std::uint16_t& count_of(Ipv4Address source) noexcept;
    [[nodiscard]] FragmentSlot keep(const Packet& packet) noexcept;
    [[nodiscard]] Packet take(Queue& queue) noexcept;
    void append(Queue& queue, FragmentSlot first, FragmentSlot last) noexcept;
    void give_up(FragmentContext& context, DropReason verdict) noexcept;
    void link_waiting(FragmentContext& context) noexcept;
    void unlink_waiting(FragmentContext& context) noexcept;
    void end(FragmentContext& context, DropReason verdict) noexcept;

    FragmentLimits limits_;
    std::uint64_t key_;
    std::vector<FragmentContext> contexts_;
    std::vector<FragmentSlot> buckets_;
    std::vector<std::uint16_t> source_counts_;
    std::vector<Held> held_;
    FragmentSlot free_context_ = kNoSlot;  // chained by hash_next
    FragmentSlot free_held_ = kNoSlot;
    FragmentSlot oldest_ = kNoSlot, newest_ = kNoSlot;
    FragmentSlot oldest_waiting_ = kNoSlot, newest_waiting_ = kNoSlot;
    Queue ready_;
    Queue given_up_;
    std::size_t context_count_ = 0;
    std::size_t held_count_ = 0;
    std::size_t held_bytes_ = 0;
};

}  // namespace towpath::parse
