// SPDX-License-Identifier: BSD-3-Clause
// Messages about peers onto a transaction under construction: pure. As with worlds, a refused
// message leaves nothing behind that could be applied.
#pragma once

#include "dataplane/contract/lifecycle.h"
#include "dataplane/contract/tunnel.h"
#include "dataplane/server/apply.h"
#include "dataplane/server/tunnel_engine.h"

namespace towpath::server {

struct OpenTransaction : PeersTransaction {
    ListProgress progress;  // of the allowed IPs of the last peer
};

// Refused: a peer or a tunnel that `start` has no room for or does not name, allowed IPs of another
// peer than the last one stated, a chunk that does not continue its list.
[[nodiscard]] Outcome<void> add(OpenTransaction& transaction, const contract::StartSettings& start,
                                const contract::PeerSet& message);
[[nodiscard]] Outcome<void> add(OpenTransaction& transaction, const contract::StartSettings& start,
                                const contract::PeerPrefixChunk& message);

}  // namespace towpath::server
