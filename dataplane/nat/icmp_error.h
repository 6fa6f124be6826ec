// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors and the packets they embed (RFC 5508 sections 4 and 5, nat-behaviour.md section 9):
// checked, then both the outer and the embedded addresses translated. Never creates, refreshes or
// ends anything (REQ-6, U-12); any worker may do it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/nat/tables.h"
#include "dataplane/nat/translator.h"
#include "dataplane/packet/packet.h"
#include "dataplane/wire/address.h"

namespace towpath::nat {

// The packet inside an error. Offsets are from the packet's first valid byte, and what they name
// lies inside it.
struct Embedded {
    Protocol protocol = Protocol::udp;
    Endpoint source;
    Endpoint destination;
    std::size_t ip_offset = 0;
    std::size_t transport_offset = 0;
    std::size_t transport_bytes = 0;  // at least 8
};

// The checks of 9.2, steps 1 to 7, on an ICMP error. `none` and the embedded packet, or why not.
[[nodiscard]] DropReason read_embedded(const Packet& packet, Embedded& embedded) noexcept;

// From outside to a pool address, or the second half of a hairpinned one (9.4, 9.6).
[[nodiscard]] DropReason translate_error_inbound(Translator& translator, Packet& packet,
                                                 const Embedded& embedded,
                                                 std::uint32_t now_s) noexcept;
// From inside to the remote that sent the embedded packet (9.5), or the first half of a hairpinned
// one. `realm` is that of the embedded packet's mapping.
[[nodiscard]] DropReason translate_error_outbound(Translator& translator, Packet& packet,
                                                  const Embedded& embedded, Realm realm,
                                                  std::uint32_t now_s) noexcept;
// To a peer of a stateful tunnel, about what it sent (realm.h, identity): nothing is changed.
[[nodiscard]] DropReason admit_error_to_peer(Translator& translator, const Packet& packet,
                                             const Embedded& embedded,
                                             std::uint32_t now_s) noexcept;

}  // namespace towpath::nat
