// SPDX-License-Identifier: BSD-3-Clause
// All messages of the contract, as two closed sets. Whoever dispatches does so over a set, so that
// a new message does not compile until every side has said what it does with it.
#pragma once

#include <variant>

#include "dataplane/contract/header.h"
#include "dataplane/contract/lifecycle.h"
#include "dataplane/contract/neighbors.h"
#include "dataplane/contract/query.h"
#include "dataplane/contract/tunnel.h"
#include "dataplane/contract/world.h"

namespace towpath::contract {

template <class... Messages>
struct MessageSet {
    // A view of a received message: valid as long as the bytes it was decoded from.
    using View = std::variant<const Messages*...>;
};

// Control to data plane.
using Downward = MessageSet<HelloControl, Start, InterfaceSet, RouteChunk, Ipv6RouteChunk, NatSet,
                            SourceChunk, PoolChunk, AllowChunk, TunnelSet, AdvertiseChunk, Commit,
                            PeersBegin, PeerSet, PeerPrefixChunk, PeersCommit, SessionInstall,
                            SessionsEnd, HandshakeSend, StatusQuery, CountersQuery, ReasonsQuery,
                            InterfacesQuery, NatLookupQuery, NatListQuery, PortUsageQuery,
                            StartQuery, PeersQuery, SessionsQuery, NeighborsQuery, EventsSubscribe>;
// Data plane to control.
using Upward =
    MessageSet<HelloDataplane, Started, StartFailed, Applied, Refused, LinkChange, PeersApplied,
               SessionInstalled, StatusReply, CountersReply, ReasonsReply, InterfacesReply,
               NatLookupReply, NatListReply, PortUsageReply, StartReply, PeersReply, SessionsReply,
               NeighborsReply, EventBatch, HandshakesReceived, TunnelEvents>;

}  // namespace towpath::contract
