// SPDX-License-Identifier: BSD-3-Clause
// Lane::parse -> arp | fragment | classify | parse6 | icmp_error | drop.
// The only place that reads a length from the wire before anyone believes it: Ethernet, IPv4
// header and options (RFC 791, RFC 1122 section 3.2.1), and, of whole packets, TCP, UDP and ICMP
// (nat-behaviour.md 26.1 to 26.7 and 9.2 steps 1 to 6). After it Packet's offsets, ports and kinds
// are facts, and the window ends with the IPv4 total length.
//
// Not here: anything that needs to know which addresses are ours (classify), or mappings (NAT). L4
// checksums of TCP and UDP are never verified (CK-10). Packets from the host (`from_host`) are
// parsed with fewer demands on addresses: DHCP sends from 0.0.0.0 to broadcast.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/packet/interface.h"
#include "dataplane/wire/now.h"

namespace towpath::parse {

struct State {
    const InterfaceTable* interfaces = nullptr;  // of the generation in force
};

void parse_stage(State& state, Batch& batch, Now now) noexcept;

}  // namespace towpath::parse
