// SPDX-License-Identifier: BSD-3-Clause
// The way of sealed datagrams (decisions.md W6): routed in a table of their own that never leads
// into a tunnel, and given their source where the peer has not told us which of our addresses it
// uses (wireguard.md section 14). No NAT, no policy: they are ours.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/route/view.h"
#include "dataplane/wire/now.h"

namespace towpath::route {

struct UnderlayState {
    View view;
};

// Lane::underlay: packets whose l3 is an outer header with everything in it but possibly the source
// and the checksum over it. To Lane::link, over IPv6 to Lane::forward6, or dropped as
// seal_no_route, seal_endpoint_in_tunnel.
void underlay_stage(UnderlayState& state, Batch& batch, Now now) noexcept;

}  // namespace towpath::route
