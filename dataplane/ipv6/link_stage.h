// SPDX-License-Identifier: BSD-3-Clause
// Lane::link6 -> transmit | seal | hold | hand_off | icmp6_error | drop.
// Gives an IPv6 packet whose egress and next hop (packet/ipv6_next_hop.h) are set its Ethernet
// header, and decrements the hop limit (unless it was made here). An unknown next hop holds the
// packet on worker 0, one that does not answer has it rejected there; other workers hand it off, to
// resume in Lane::link6. Packets made here are never rejected; those above the MTU drop, but for
// datagrams of tunnels, which are cut.
#pragma once

#include "dataplane/ipv6/ipv6_fragmentation.h"
#include "dataplane/ipv6/neighbor_resolver.h"
#include "dataplane/ipv6/view.h"
#include "dataplane/packet/batch.h"
#include "dataplane/wire/now.h"

namespace towpath::ipv6 {

struct LinkState {
    View view;
    const NeighborTable* neighbors = nullptr;
    NeighborResolver* resolver = nullptr;  // of worker 0; null on the others
    FragmentIdentifications identifications;
};

void link_stage(LinkState& state, Batch& batch, Now now) noexcept;

}  // namespace towpath::ipv6
