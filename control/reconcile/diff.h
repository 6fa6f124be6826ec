// SPDX-License-Identifier: BSD-3-Clause
// Desired minus applied, as contract messages and as words for the operator: pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/contract/lifecycle.h"
#include "dataplane/contract/world_state.h"

namespace towpath::control {

using Datagram = std::vector<std::byte>;

// The messages that lead from `applied` to `desired`; from an unknown world, everything. Without
// the commit. `running` says which interfaces exist.
[[nodiscard]] std::vector<Datagram> state_messages(const std::optional<contract::World>& applied,
                                                   const contract::World& desired,
                                                   const contract::StartSettings& running);

// What differs, by the names of the configuration ("nat.timeouts", "interfaces.lan").
[[nodiscard]] std::vector<std::string> live_differences(const contract::World& applied,
                                                        const contract::World& desired,
                                                        const contract::StartSettings& running);
// What differs and is fixed for the life of the data plane ("interfaces.wan.driver").
[[nodiscard]] std::vector<std::string> restart_differences(const contract::StartSettings& running,
                                                           const contract::StartSettings& desired);

}  // namespace towpath::control
