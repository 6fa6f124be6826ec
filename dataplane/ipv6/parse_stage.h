// SPDX-License-Identifier: BSD-3-Clause
// Lane::parse6 -> neighbor6 | forward6 | drop.
// What parse/ is for IPv4: the IPv6 header, its extension headers (within bounds) and TCP, UDP and
// ICMPv6 (RFC 8200, RFC 4443). After it Packet's offsets, ports and kinds are facts, and the window
// ends with the payload length. The Ethernet header has been checked by parse/.
//
// Fragments are not put together: a first one has its transport read, a later one has none.
// Checksums of ICMPv6 are verified, those of TCP and UDP never (CK-10). Of groups only neighbour
// discovery is heard.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/packet/interface.h"
#include "dataplane/wire/now.h"

namespace towpath::ipv6 {

struct ParseState {
    const InterfaceTable* interfaces = nullptr;  // of the generation in force
};

void parse_stage(ParseState& state, Batch& batch, Now now) noexcept;

}  // namespace towpath::ipv6
