// SPDX-License-Identifier: BSD-3-Clause
// Resolution of IPv4 next hops by ARP (RFC 826; nat-behaviour.md 15.4, 15.5). Inside senders hear
// of a neighbour that does not answer (3/1), whether NAT has rewritten their packet or not.
#pragma once

#include "dataplane/route/neighbor_resolution.h"
#include "dataplane/route/neighbor_table.h"
#include "dataplane/route/view.h"

namespace towpath::route {

struct ArpFamily {
    using Key = NeighborKey;
    using Table = NeighborTable;
    using View = route::View;
    static constexpr std::size_t kTableSlots = kNeighborsMax;
    static constexpr Lane kLink = Lane::link;
    static constexpr Lane kError = Lane::icmp_error;

    [[nodiscard]] static Key key_of(const Packet& packet) noexcept {
        return {packet.egress, packet.next_hop};
    }
    [[nodiscard]] static bool is_told(const View& view, const Packet& packet) noexcept;
    static void note_unreachable(Packet& packet) noexcept;
    [[nodiscard]] static bool request(const View& view, Batch& batch, const Key& key,
                                      const MacAddress* known) noexcept;
    // By gratuitous ARP: own addresses, then those of the pool.
    [[nodiscard]] static bool announce_one(const View& view, Batch& batch, std::size_t position,
                                           bool& is_end) noexcept;
};

extern template class NeighborResolution<ArpFamily>;
using NeighborResolver = NeighborResolution<ArpFamily>;

}  // namespace towpath::route
