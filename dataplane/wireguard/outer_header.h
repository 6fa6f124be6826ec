// SPDX-License-Identifier: BSD-3-Clause
// The outer headers of what a tunnel sends (wireguard.md section 2.5): IPv4 or IPv6, and UDP.
#pragma once

#include <cstdint>

#include "dataplane/packet/identification.h"
#include "dataplane/packet/packet.h"
#include "dataplane/wire/address.h"
#include "dataplane/wireguard/endpoint_record.h"

namespace towpath::wireguard {

struct OuterPath {
    InterfaceId tunnel = kNoInterface;
    Port local_port;
    // Known. No local address, or one of another family: the underlay chooses (seal_stage.h). No
    // path MTU: what the first link carries.
    PeerEndpoint endpoint;
};

// Room that wrap() and the link need in front of the payload.
inline constexpr std::size_t kOuterRoom_bytes = 14 + 40 + 8;

// The window of `packet` is a UDP payload with kOuterRoom_bytes in front of it. Afterwards it is
// what seal_stage.h says of packets in Lane::underlay. IPv4: DF clear, UDP without checksum. The
// path's MTU goes along as icmp_mtu_bytes: over IPv6 the link stage cuts for it.
void wrap(Packet& packet, const OuterPath& path, std::uint8_t dscp_and_ecn,
          IdentificationSource& identification) noexcept;

}  // namespace towpath::wireguard
