// SPDX-License-Identifier: BSD-3-Clause
// Lane::arp -> transmit | punt | absorb | hand_off | drop.
// ARP (RFC 826, RFC 5227; nat-behaviour.md section 15; decisions.md N9): the data plane alone
// answers, for own addresses of the interface and, on outside interfaces, for pool addresses.
// Replies are learned and also punted to the host, which may have asked too. Workers other than 0
// hand off: worker 0 is the only writer of neighbours.
// Packets it lets pass from the host are the host's requests; the host's replies drop.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/packet/owner.h"
#include "dataplane/route/neighbor_resolver.h"
#include "dataplane/route/view.h"
#include "dataplane/wire/now.h"

namespace towpath::route {

struct ArpState {
    View view;
    NeighborResolver* resolver = nullptr;  // of worker 0; null on the others
    bool accepts_gratuitous = true;        // updates of entries that exist (arp-gratuitous)
};

void arp_stage(ArpState& state, Batch& batch, Now now) noexcept;

}  // namespace towpath::route
