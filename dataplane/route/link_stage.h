// SPDX-License-Identifier: BSD-3-Clause
// Lane::link -> transmit | hold | hand_off | icmp_error | drop.
// Gives a packet whose egress and next hop are set its Ethernet header, decrements the TTL (unless
// it was made here), and fragments what exceeds the MTU (RFC 791 section 2.3; RFC 815's counterpart
// is the receiver's). Fragments leave in order; a datagram needs one spare per further fragment, so
// at most kSparesMax + 1 pieces, else no_buffer. An unknown next hop holds the packet on worker 0,
// one that does not answer has it rejected there; other workers hand it off, to resume in
// Lane::link. Packets made here are never rejected.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/route/neighbor_resolver.h"
#include "dataplane/route/view.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/now.h"

namespace towpath::route {

// The neighbour that a burst found last and the header of every frame to it: most packets of a
// burst have the same next hop.
struct LastNeighbor {
    NeighborKey key;
    bool is_resolved = false;
    EthernetHeader ethernet{};
};

struct LinkState {
    View view;
    const NeighborTable* neighbors = nullptr;
    NeighborResolver* resolver = nullptr;  // of worker 0; null on the others
    LastNeighbor last{};  // begun anew by every burst: a neighbour may change between two
};

void link_stage(LinkState& state, Batch& batch, Now now) noexcept;

}  // namespace towpath::route
