// SPDX-License-Identifier: BSD-3-Clause
// Resolution of IPv6 next hops by neighbour solicitations (RFC 4861 section 7): worker 0 only. Up
// to kPendingMax next hops are being resolved or are known not to answer; each holds up to
// kPendingPackets packets. Three solicitations, a second apart; then the next hop has failed, is
// retried after 1 s doubling to 32 s, and what waited, or comes meanwhile, is rejected (1/3,
// address unreachable, to senders that are not outside) or dropped as neighbor_unreachable. A
// neighbour unheard of for 30 s is asked again as soon as it is used.
//
// slice() must run once per turn of worker 0's loop, before the stages. It needs spares in the
// batch for solicitations; without one it tries again in the next turn.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "dataplane/ipv6/neighbor_message.h"
#include "dataplane/ipv6/neighbor_table.h"
#include "dataplane/ipv6/view.h"
#include "dataplane/packet/batch.h"
#include "dataplane/packet/counters.h"
#include "dataplane/wire/now.h"

namespace towpath::ipv6 {

inline constexpr std::size_t kPendingMax = 64;
inline constexpr std::size_t kPendingPackets = 16;
inline constexpr std::uint8_t kSolicitationsMax = 3;

class NeighborResolver {
public:
    // `table` outlives the resolver; `released` counts packets that leave their queue.
    NeighborResolver(NeighborTable& table, Counter& released);

    void set_view(const View& view) noexcept { view_ = view; }
    [[nodiscard]] NeighborTable& table() noexcept { return table_; }

    // Takes the packet of link_stage, whose next hop is unknown: puts `index` into hold,
    // icmp6_error or drop.
    void resolve(Batch& batch, PacketIndex index, Now now) noexcept;
    // A neighbour said where it is. Queued packets go to Lane::link6, in order.
    void learned(Batch& batch, const NeighborKey& key, MacAddress mac, Now now) noexcept;
    // True if a solicitation to the neighbour is outstanding.
    [[nodiscard]] bool is_pending(const NeighborKey& key) const noexcept;

    // Retransmits, fails, probes and ages. Looks at every pending next hop and at `budget` slots.
    void slice(Batch& batch, Now now, std::size_t budget) noexcept;
    // Announces own addresses by unsolicited advertisements, three times a second apart (RFC 4861
    // section 7.2.6): at start, when addresses change, when a link comes back.
    void announce(Now now) noexcept;
    // At shutdown: all held packets to Lane::drop, as far as there is room; false when none is
    // left.
    [[nodiscard]] bool discard(Batch& batch) noexcept;

private:
    // none: free. reachable: answered, but the queue did not fit the batch yet.
    struct Pending {
        NeighborKey key;
        NeighborState state = NeighborState::none;
        std::uint8_t solicitations = 0;
        std::uint8_t backoff_s = 0;
        std::size_t queued = 0;
        Now next_at{};
        std::array<Packet, kPendingPackets> queue;
    };
    struct Probe {
        NeighborKey key;
        MacAddress mac;
        bool is_active = false;
        std::uint8_t solicitations = 0;
        Now next_at{};
    };

    [[nodiscard]] Pending* find(const NeighborKey& key) noexcept;
    [[nodiscard]] Pending* claim(const NeighborKey& key) noexcept;
    void reject(Batch& batch, PacketIndex index) noexcept;
    void advance(Batch& batch, Pending& pending, Now now) noexcept;
    void release_reachable(Batch& batch, Pending& pending) noexcept;
    void release_failed(Batch& batch, Pending& pending) noexcept;
    [[nodiscard]] bool is_told(const Packet& packet) const noexcept;
    [[nodiscard]] Packet take(Pending& pending) noexcept;
    void age(const NeighborTable::Entry& entry, Now now) noexcept;
    void advance_probes(Batch& batch, Now now) noexcept;
    void advance_announcements(Batch& batch, Now now) noexcept;
    [[nodiscard]] bool announce_one(Batch& batch, std::size_t position, bool& is_end) noexcept;
    // To the neighbour's MAC if it is known, else to the group that it listens to.
    [[nodiscard]] bool solicit(Batch& batch, const NeighborKey& key,
                               const MacAddress* mac) noexcept;
    [[nodiscard]] bool send(Batch& batch, InterfaceId egress, const NeighborFrame& frame) noexcept;

    NeighborTable& table_;
    Counter& released_;
    View view_;
    std::unique_ptr<std::array<Pending, kPendingMax>> pending_;
    std::array<Probe, kPendingMax> probes_{};
    Now pending_due_at_{};  // nothing to do for pending next hops before
    Now ageing_due_at_{};
    std::size_t ageing_cursor_ = 0;
    std::uint8_t announcements_left_ = 0;
    std::size_t announcement_cursor_ = 0;
    Now announce_at_{};
};

}  // namespace towpath::ipv6
