// SPDX-License-Identifier: BSD-3-Clause
// A packet as a question to the tables: what the stages work out in their first loop and use in the
// last. Values for one burst.
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/nat/mapping.h"
#include "dataplane/packet/batch.h"
#include "dataplane/wire/address.h"

namespace towpath::nat {

// The sender's side of a packet.
struct Flow {
    InsideKey key = 0;
    std::uint32_t hash = 0;
    WorkerId owner = 0;
    Protocol protocol = Protocol::udp;
    std::uint8_t tcp_flags = 0;
    bool may_create = true;  // false: an ICMP reply, which only answers
    Endpoint remote;
    EntryIndex guess = kNoEntry;     // where the mapping probably is
    std::uint32_t session_hash = 0;  // of `guess` and the remote, where remotes are tracked
};

struct OutboundCandidate {
    Flow flow;
    PacketIndex index = 0;
    bool tracks = false;
};

struct InboundCandidate {
    const std::atomic<EntryIndex>* cell = nullptr;  // of BY_EXT; null: no such pool address
    Endpoint remote;
    EntryIndex mapping = kNoEntry;
    std::uint32_t session_hash = 0;
    PacketIndex index = 0;
    std::uint8_t tcp_flags = 0;
    Protocol protocol = Protocol::udp;
    bool tracks = false;
};

}  // namespace towpath::nat
