// SPDX-License-Identifier: BSD-3-Clause
// What stands between a tunnel and a peer's endpoint, for people: the same tables that sealed
// packets ask (decisions.md W6), asked without a packet.
#pragma once

#include "dataplane/contract/tunnel.h"
#include "dataplane/ipv6/neighbor_table.h"
#include "dataplane/pipeline/generation.h"
#include "dataplane/route/neighbor_table.h"

namespace towpath::engine {

struct Neighbors {
    const route::NeighborTable& ipv4;
    const ipv6::NeighborTable& ipv6;
};

// `generation` may be null: nothing is in force. Any thread, as long as the generation lives.
[[nodiscard]] contract::EndpointWay way_to(const IpAddress& endpoint,
                                           const pipeline::Generation* generation,
                                           const Neighbors& neighbors) noexcept;

}  // namespace towpath::engine
