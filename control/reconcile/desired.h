// SPDX-License-Identifier: BSD-3-Clause
// What the data plane should hold, from the configuration: pure. Names become the ids of the
// running data plane's ports, which were given when it started and need not be in the order of
// today's file.
#pragma once

#include <string_view>

#include "config/config.h"
#include "dataplane/contract/lifecycle.h"
#include "dataplane/contract/world_state.h"
#include "dataplane/wire/result.h"

namespace towpath::control {

// What a data plane that waits is started with. `config` is valid.
[[nodiscard]] contract::StartSettings desired_start(const config::Config& config,
                                                    std::string_view instance);

// What a data plane started with `running` should hold. Refused whole, naming what needs a restart:
// an interface that it was not started with, more pool addresses than it has room for. An interface
// that is gone from the file keeps its port, without addresses or role.
[[nodiscard]] Outcome<contract::World> desired_world(const config::Config& config,
                                                     const contract::StartSettings& running);

}  // namespace towpath::control
