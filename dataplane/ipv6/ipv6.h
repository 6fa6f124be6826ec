// SPDX-License-Identifier: BSD-3-Clause
// IPv6 of one worker: the stages of this folder and their state, for the pipeline to hold as one.
// Routing between interfaces, neighbour discovery and ICMPv6; no translation, no reassembly, no
// router advertisements.
#pragma once

#include <memory>

#include "dataplane/ipv6/forward_stage.h"
#include "dataplane/ipv6/icmp_error_stage.h"
#include "dataplane/ipv6/link_stage.h"
#include "dataplane/ipv6/neighbor_stage.h"
#include "dataplane/ipv6/parse_stage.h"
#include "dataplane/packet/owner.h"

namespace towpath::ipv6 {

class Ipv6 {
public:
    // `neighbors` and `counters` outlive it. `key`: random, for limits that senders must not steer.
    Ipv6(WorkerId worker, NeighborTable& neighbors, PipelineCounters& counters, std::uint64_t key);

    // Before the first packet and whenever a generation is published. `before`: the interfaces
    // until now, null at first: addresses are announced when they are new or their link is back,
    // and the neighbours of a link that went away are forgotten.
    void adopt(const View& view, const InterfaceTable* before) noexcept;
    // As NeighborResolver::slice and ::discard; nothing on workers other than 0.
    void slice(Batch& batch, Now now) noexcept;
    [[nodiscard]] bool discard(Batch& batch) noexcept;
    // Null on workers other than 0.
    [[nodiscard]] const NeighborResolver* resolver() const noexcept { return resolver_.get(); }

    ParseState parse;
    DiscoveryState discovery;
    ForwardState forward;
    IcmpErrorState icmp_error;
    LinkState link;

private:
    std::unique_ptr<NeighborResolver> resolver_;  // worker 0's
};

}  // namespace towpath::ipv6
