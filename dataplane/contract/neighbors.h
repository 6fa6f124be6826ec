// SPDX-License-Identifier: BSD-3-Clause
// Which MAC the next hops have, by ARP and neighbour discovery (nat-behaviour.md 15.4; RFC 4861
// section 7.3.2).
#pragma once

#include "dataplane/contract/query.h"
#include "dataplane/contract/tunnel.h"

namespace towpath::contract {

inline constexpr std::size_t kNeighborsPerReply = 512;

using NeighborsQuery = PlainQuery<MessageType::neighbors_query>;  // replies in parts

// incomplete: asked for, no answer yet. failed: asked for in vain, asked again from time to time.
enum class NeighborState : std::uint8_t { incomplete, reachable, stale, probe, failed, count };

struct NeighborRow {
    IpAddressField address;
    MacAddress mac;  // zero: not known
    std::uint8_t interface = 0;
    NeighborState state = NeighborState::incomplete;
    std::uint32_t age_s = 0;  // since it was last heard; 0 if it never was
};
static_assert(sizeof(NeighborRow) == 32 && std::has_unique_object_representations_v<NeighborRow>);

struct NeighborsReply {
    static constexpr MessageType kType = MessageType::neighbors_reply;
    Header header = header_of<NeighborsReply>();
    ReplyPart part;
    std::array<NeighborRow, kNeighborsPerReply> rows{};
};
static_assert(sizeof(NeighborsReply) == 32 + 32 * kNeighborsPerReply && kIsMessage<NeighborsReply>);

}  // namespace towpath::contract
