// SPDX-License-Identifier: BSD-3-Clause
// Lane::neighbor6 -> transmit | punt | absorb | hand_off | drop.
// Neighbour discovery (RFC 4861, RFC 4862 section 5.4; decisions.md N9): the data plane alone
// answers, for the addresses of the interface, also to stations that ask whether an address is
// free. Answers to questions of ours are learned and also punted to the host, which may have asked
// too. Workers other than 0 hand off: worker 0 is the only writer of neighbours. No router
// advertisements, in or out. Of the host's messages its questions pass; its answers and its tests
// of addresses drop.
#pragma once

#include "dataplane/ipv6/neighbor_resolver.h"
#include "dataplane/ipv6/view.h"
#include "dataplane/packet/batch.h"
#include "dataplane/wire/now.h"

namespace towpath::ipv6 {

struct DiscoveryState {
    View view;
    NeighborResolver* resolver = nullptr;  // of worker 0; null on the others
};

void neighbor_stage(DiscoveryState& state, Batch& batch, Now now) noexcept;

}  // namespace towpath::ipv6
