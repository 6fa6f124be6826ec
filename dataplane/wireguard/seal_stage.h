// SPDX-License-Identifier: BSD-3-Clause
// Lane::seal -> underlay | hold | hand_off | icmp_error | icmp6_error | drop.
// Seals inner packets whose `egress` is a tunnel (wireguard.md section 10). On entry l3 is the
// inner header and the window ends with the inner packet; its TTL has been decremented and it fits
// the tunnel's MTU. A packet whose peer has no session waits on the peer's home worker (W7), others
// hand off, to resume in Lane::seal.
//
// What leaves is a datagram of ours: l3 is the outer IPv4 or IPv6 header with 14 bytes in front for
// its link, l4 the UDP header, transport and ports are set, is_originated, `ingress` the tunnel and
// `egress` none. All checksums are right (UDP over IPv4: none, RFC 768; over IPv6: full). A source
// of 0.0.0.0 or :: (no address of ours is remembered for the peer) is for the underlay to choose:
// it writes the address and adjusts the IPv4 header's or, over IPv6, UDP's checksum by the
// difference.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/wire/now.h"
#include "dataplane/wireguard/state.h"

namespace towpath::wireguard {

void seal_stage(State& state, Batch& batch, Now now) noexcept;

}  // namespace towpath::wireguard
