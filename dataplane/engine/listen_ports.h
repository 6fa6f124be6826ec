// SPDX-License-Identifier: BSD-3-Clause
// A tunnel may not take over a port that a connection through the NAT is using (decisions.md W9).
#pragma once

#include <functional>
#include <optional>

#include "dataplane/contract/world_state.h"
#include "dataplane/nat/view.h"
#include "dataplane/wire/result.h"

namespace towpath::engine {

// The UDP mapping, live or resting, with this outside endpoint.
using FindMapping = std::function<std::optional<nat::MappingView>(const Endpoint& outside)>;

// Fails (refused) with a sentence that names the mapping if a tunnel of `next` listens on a port
// that none of `applied` listened on and that a live mapping holds on an address of the pool, or of
// an interface to which peers are translated. A mapping that comes between this and the world's
// being in force is not seen: packets to its port then go to the tunnel.
[[nodiscard]] Outcome<void> check_listen_ports(const contract::World& applied,
                                               const contract::World& next,
                                               const FindMapping& find);

}  // namespace towpath::engine
