// SPDX-License-Identifier: BSD-3-Clause
// Resolution of next hops, whatever the protocol that asks for them: worker 0 only. Up to
// kPendingMax next hops are being resolved or are known not to answer; each holds up to
// kPendingPackets packets. Three requests, a second apart; then the next hop has failed, is retried
// after 1 s doubling to 32 s, and what waited, or comes meanwhile, is rejected (to senders that are
// told) or dropped as neighbor_unreachable. A neighbour unheard of for 30 s is asked again as soon
// as it is used; one that nobody uses is forgotten after 600 s (nat-behaviour.md 15.4, 15.5; RFC
// 4861 section 7).
//
// slice() must run once per turn of worker 0's loop, before the stages. It needs spares in the
// batch for requests; without one it tries again in the next turn.
//
// A Family says what is different: types Key, Table, View; kTableSlots, the lanes kLink and kError;
//   Key key_of(const Packet&)                                 its next hop
//   bool is_told(const View&, const Packet&)                  whether its sender hears an error
//   void note_unreachable(Packet&)                            which error
//   bool request(const View&, Batch&, const Key&, const MacAddress* known)
//       asks for the neighbour, itself if its MAC is known; false without a spare
//   bool announce_one(const View&, Batch&, std::size_t position, bool& is_end)
//       announces the own address at `position`, or says that there is none; false without a spare
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "dataplane/packet/batch.h"
#include "dataplane/packet/counters.h"
#include "dataplane/route/neighbor_table.h"
#include "dataplane/wire/now.h"

namespace towpath::route {

inline constexpr std::size_t kPendingMax = 64;
inline constexpr std::size_t kPendingPackets = 16;
inline constexpr std::uint8_t kRequestsMax = 3;

// A frame on `egress`, which `write(Packet&) -> bool` fills. False when there is no spare.
template <class Write>
[[nodiscard]] bool originate_frame(Batch& batch, InterfaceId egress, const Write& write) noexcept {
    const std::optional<PacketIndex> index = batch.originate();
    if (!index.has_value()) {
        return false;
    }
    Packet& packet = batch[*index];
    packet.egress = egress;
    packet.ingress = egress;
    if (write(packet)) {
        batch.put(*index, Lane::transmit);
    } else {
        batch.drop(*index, DropReason::no_buffer);
    }
    return true;
}

template <class Family>
class NeighborResolution {
public:
    using Key = typename Family::Key;
    using Table = typename Family::Table;
    using View = typename Family::View;

    // `table` outlives the resolver; `released` counts packets that leave their queue.
    NeighborResolution(Table& table, Counter& released)
        : table_{table},
          released_{released},
          pending_{std::make_unique<std::array<Pending, kPendingMax>>()} {}

    void set_view(const View& view) noexcept { view_ = view; }
    [[nodiscard]] Table& table() noexcept { return table_; }

    // Takes the packet of link_stage, whose next hop is unknown: puts `index` into hold, the error
    // lane or drop.
    void resolve(Batch& batch, PacketIndex index, Now now) noexcept;
    // A neighbour said where it is. Queued packets go to the link lane, in order.
    void learned(Batch& batch, const Key& key, MacAddress mac, Now now) noexcept;
    // True if a request for the neighbour is outstanding.
    [[nodiscard]] bool is_pending(const Key& key) const noexcept;

    // Calls visit(key, state) for each next hop that has not answered, incomplete or failed.
    template <class Visit>
    void for_each_unanswered(const Visit& visit) const {
        for (const Pending& pending : *pending_) {
            if (pending.state == NeighborState::incomplete ||
                pending.state == NeighborState::failed) {
                visit(pending.key, pending.state);
            }
        }
    }

    // Retransmits, fails, probes and ages. Looks at every pending next hop and at `budget` slots.
    void slice(Batch& batch, Now now, std::size_t budget) noexcept;
    // Announces own addresses, three times a second apart (15.1; RFC 4861 section 7.2.6): at start,
    // when addresses change, when a link comes back.
    void announce(Now now) noexcept {
        announcements_left_ = kAnnouncements;
        announcement_cursor_ = 0;
        announce_at_ = now;
    }
    // At shutdown: all held packets to Lane::drop, as far as there is room; false when none is
    // left.
    [[nodiscard]] bool discard(Batch& batch) noexcept;

private:
    static constexpr Duration kRequestInterval = std::chrono::seconds{1};
    static constexpr std::uint8_t kBackoffMax_s = 32;
    static constexpr Duration kAgeingInterval = std::chrono::milliseconds{1};
    static constexpr std::uint32_t kReachable_s = 30;
    static constexpr std::uint32_t kForgotten_s = 600;
    static constexpr Duration kFailedForgotten = std::chrono::seconds{60};
    static constexpr std::uint8_t kAnnouncements = 3;
    // Left free in the batch, for a full burst and what stages originate.
    static constexpr std::size_t kRoomKept = kBurstMax + 16;

    // none: free. reachable: answered, but the queue did not fit the batch yet.
    struct Pending {
        Key key;
        NeighborState state = NeighborState::none;
        std::uint8_t requests = 0;
        std::uint8_t backoff_s = 0;
        std::size_t queued = 0;
        Now next_at{};
        std::array<Packet, kPendingPackets> queue;
    };
    struct Probe {
        Key key;
        MacAddress mac;
        bool is_active = false;
        std::uint8_t requests = 0;
        Now next_at{};
    };

    [[nodiscard]] Pending* find(const Key& key) noexcept;
    [[nodiscard]] Pending* claim(const Key& key) noexcept;
    void reject(Batch& batch, PacketIndex index) noexcept;
    void advance(Batch& batch, Pending& pending, Now now) noexcept;
    void release_reachable(Batch& batch, Pending& pending) noexcept;
    void release_failed(Batch& batch, Pending& pending) noexcept;
    [[nodiscard]] Packet take(Pending& pending) noexcept;
    void age(const typename Table::Entry& entry, Now now) noexcept;
    void advance_pending(Batch& batch, Now now) noexcept;
    void advance_probes(Batch& batch, Now now) noexcept;
    void advance_announcements(Batch& batch, Now now) noexcept;

    Table& table_;
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

}  // namespace towpath::route
