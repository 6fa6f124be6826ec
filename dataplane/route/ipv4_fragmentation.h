// SPDX-License-Identifier: BSD-3-Clause
// Cuts an IPv4 datagram, or a fragment of one, into fragments (RFC 791 section 2.3 and the example
// procedure of section 3.2). The first keeps the packet's buffer; the others take spares.
#pragma once

#include "dataplane/packet/batch.h"

namespace towpath::route {

// The packet has its Ethernet header, the right TTL, DF clear and a total length above `mtu_bytes`.
// Puts the pieces into `lane` in order: Lane::transmit, or Lane::seal, for which the Ethernet
// header is only room. Or, untouched, the packet into Lane::drop (no_buffer) when there are not
// enough spares.
[[gnu::noinline]] void put_in_fragments(Batch& batch, PacketIndex index, std::uint16_t mtu_bytes,
                                        Lane lane) noexcept;

}  // namespace towpath::route
