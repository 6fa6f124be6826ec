// SPDX-License-Identifier: BSD-3-Clause
// What becomes of packets between the peers of a tunnel and interfaces that are not outside
// (decisions.md W13, TunnelFlows). Part of nat_outbound, for packets that are not translated
// towards outside; not in its loops, since a policy without such tunnels asks nothing here.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/nat/realm.h"
#include "dataplane/nat/translator.h"
#include "dataplane/packet/batch.h"

namespace towpath::nat {

// The realm in which a packet that came from somewhere and leaves by an interface is handled on
// behalf of the peer that sent it; none: it is no peer's, or nobody asked for it.
[[nodiscard, gnu::noinline]] std::optional<Realm> realm_of_peer(const Translator& translator,
                                                                const Packet& packet) noexcept;

// Whether a packet has to be an answer to get through: it is for a peer of a stateful tunnel and
// came from elsewhere as it is.
[[nodiscard, gnu::noinline]] bool has_to_answer(const Translator& translator,
                                                const Packet& packet) noexcept;
// Puts such a packet into link if it answers what the peer began, into hand_off if the peer's owner
// has to see it, else into drop (tunnel_unsolicited).
[[gnu::noinline]] void pass_answer(Translator& translator, Batch& batch, PacketIndex index,
                                   std::uint32_t now_s) noexcept;

}  // namespace towpath::nat
