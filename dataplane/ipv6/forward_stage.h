// SPDX-License-Identifier: BSD-3-Clause
// Lane::forward6 -> open | link6 | punt | transmit | icmp6_error | drop.
// Who may talk to whom in IPv6, and where packets go (decisions.md N18, W13). In order:
// anti-spoofing; packets for the box (datagrams to a tunnel's port opened, echo answered in place,
// services punted to the host if local.allow lets them); then what is forwarded: nothing from
// outside, nothing to outside (there is no translation that would bring an answer back: the sender
// hears "no route" at once), the hop limit, the route, the MTU. Nothing is translated and no state
// is kept.
//
// Datagrams of tunnels (`is_originated`, UDP, finished from the IPv6 header on) are only routed, in
// the underlay table: seal_no_route, or seal_endpoint_in_tunnel where only a tunnel leads there
// (W6). A source that is not ours is replaced by one that suits the way. Packets of the host itself
// go out as they are.
#pragma once

#include "dataplane/ipv6/view.h"
#include "dataplane/packet/batch.h"
#include "dataplane/route/token_bucket.h"
#include "dataplane/wire/now.h"

namespace towpath::ipv6 {

struct ForwardState {
    View view;
    // Echo requests to the box from interfaces that are not inside, per worker.
    route::RateLimit echo_limit = route::RateLimit::per_second(100, 100);
    route::TokenBucket echo_bucket;
};

void forward_stage(ForwardState& state, Batch& batch, Now now) noexcept;

}  // namespace towpath::ipv6
