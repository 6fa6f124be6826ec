// SPDX-License-Identifier: BSD-3-Clause
// Lane::open -> parse | absorb | hand_off | drop.
// Opens WireGuard datagrams that were sent to a tunnel's port on an address of ours (wireguard.md
// section 11). On entry l3 and l4 are the outer IP and UDP headers and destination_port is the
// tunnel's; `ingress` is the port that they came in by.
//
// Transport data leaves as an Ethernet frame of the inner packet: a header from the tunnel's own
// station to its mac lies directly in front, `ingress` is the tunnel, everything that parse learned
// is gone; -> parse. A keepalive is absorbed. A session belongs to one worker: others hand off, to
// resume in Lane::open. Handshake messages that pass the gate are copied for the server thread and
// absorbed. Nothing is ever answered here.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/wire/now.h"
#include "dataplane/wireguard/state.h"

namespace towpath::wireguard {

void open_stage(State& state, Batch& batch, Now now) noexcept;

}  // namespace towpath::wireguard
