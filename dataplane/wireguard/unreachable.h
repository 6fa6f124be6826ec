// SPDX-License-Identifier: BSD-3-Clause
// What the sender of an inner packet is told when its peer cannot be reached (wireguard.md section
// 10 steps 2 and 3).
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/icmpv6.h"

namespace towpath::wireguard {

// Host unreachable (RFC 792), or address unreachable (RFC 4443 section 3.1) over IPv6. A keepalive
// has no sender.
[[gnu::cold]] inline void reject_unreachable(Batch& batch, PacketIndex index,
                                             DropReason reason) noexcept {
    const Packet& packet = batch[index];
    if (packet.length <= packet.l3) {
        batch.drop(index, reason);
        return;
    }
    if (std::to_integer<unsigned>(packet.data()[packet.l3]) >> 4U == 4) {
        batch.reject(index, reason, static_cast<std::uint8_t>(IcmpType::destination_unreachable),
                     kIcmpHostUnreachable);
    } else {
        batch.reject6(index, reason, static_cast<std::uint8_t>(Icmpv6Type::destination_unreachable),
                      kIcmpv6AddressUnreachable);
    }
}

}  // namespace towpath::wireguard
