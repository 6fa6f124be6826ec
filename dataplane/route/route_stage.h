// SPDX-License-Identifier: BSD-3-Clause
// Lane::route -> nat_outbound | link | punt | icmp_error | drop.
// Looks up the next hop and sets `egress` and `next_hop`; refuses what may not be forwarded:
// route_none (3/0 to senders that are not outside), route_too_big (3/4 with the MTU, RFC 1191),
// from outside to anything but a mapping (inbound_no_mapping, N18), and protocols that cannot be
// translated where they would have to be (protocol_unsupported, 3/2, BAD-IP-14).
// What a mapping let in from outside skips nat_outbound, but for TCP, whose MSS may have to fall.
// Packets above the MTU that may be fragmented go on: link_stage does it.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/route/view.h"
#include "dataplane/wire/now.h"

namespace towpath::route {

struct RouteState {
    View view;
};

void route_stage(RouteState& state, Batch& batch, Now now) noexcept;

}  // namespace towpath::route
