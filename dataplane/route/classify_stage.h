// SPDX-License-Identifier: BSD-3-Clause
// Lane::classify -> nat_inbound | route | punt | transmit | icmp_error | drop.
// Who may talk to whom (decisions.md N18; nat-behaviour.md 6.1 steps 3, 4, 7, 6.2 steps 3, 4, 6.4;
// BAD-IP-06, 09 to 14). In order: anti-spoofing; packets for the box (echo answered in place,
// services punted to the host if local.allow lets them, the rest of a pool address to NAT); TTL,
// before any NAT makes state. Packets of the host itself go out as they are, unless they use a port
// of a shared address that may belong to a mapping.
//
// `neutral` interfaces are not trusted more than outside ones: the box answers their echo requests
// and needs local.allow for the rest.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/route/token_bucket.h"
#include "dataplane/route/view.h"
#include "dataplane/wire/now.h"

namespace towpath::route {

struct ClassifyState {
    View view;
    // Echo requests to the box from interfaces that are not inside, per worker.
    RateLimit echo_limit = RateLimit::per_second(100, 100);
    TokenBucket echo_bucket;
};

void classify_stage(ClassifyState& state, Batch& batch, Now now) noexcept;

}  // namespace towpath::route
