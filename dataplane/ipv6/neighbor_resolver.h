// SPDX-License-Identifier: BSD-3-Clause
// Resolution of IPv6 next hops by neighbour solicitations (RFC 4861 section 7). Senders that are
// not outside hear of a neighbour that does not answer (1/3, address unreachable).
#pragma once

#include "dataplane/ipv6/neighbor_table.h"
#include "dataplane/ipv6/view.h"
#include "dataplane/packet/ipv6_next_hop.h"
#include "dataplane/route/neighbor_resolution.h"

namespace towpath::ipv6 {

struct DiscoveryFamily {
    using Key = NeighborKey;
    using Table = NeighborTable;
    using View = ipv6::View;
    static constexpr std::size_t kTableSlots = kNeighborsMax;
    static constexpr Lane kLink = Lane::link6;
    static constexpr Lane kError = Lane::icmp6_error;

    [[nodiscard]] static Key key_of(const Packet& packet) noexcept {
        return {packet.egress, ipv6_next_hop(packet)};
    }
    [[nodiscard]] static bool is_told(const View& view, const Packet& packet) noexcept {
        return !packet.is_originated &&
               (*view.interfaces)[packet.ingress].role != InterfaceRole::outside;
    }
    static void note_unreachable(Packet& packet) noexcept;
    // To the neighbour's MAC if it is known, else to the group that it listens to.
    [[nodiscard]] static bool request(const View& view, Batch& batch, const Key& key,
                                      const MacAddress* known) noexcept;
    // By unsolicited advertisements: every address of every interface, its link-local one last.
    [[nodiscard]] static bool announce_one(const View& view, Batch& batch, std::size_t position,
                                           bool& is_end) noexcept;
};

}  // namespace towpath::ipv6

extern template class towpath::route::NeighborResolution<towpath::ipv6::DiscoveryFamily>;

namespace towpath::ipv6 {

using NeighborResolver = route::NeighborResolution<DiscoveryFamily>;

}  // namespace towpath::ipv6
