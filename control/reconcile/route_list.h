// SPDX-License-Identifier: BSD-3-Clause
// The routes that a configuration makes, for who asks where packets go. Pure.
#pragma once

#include <optional>
#include <vector>

#include "config/config.h"
#include "control/api_model.h"

namespace towpath::control {

// Connected networks, static routes and allowed IPs, each in the order of the file, at most `limit`
// of them; with `towards` the one that packets to this address take, an address of the box
// included.
[[nodiscard]] RoutesModel route_list(const config::Config& config,
                                     const std::optional<IpAddress>& towards, std::size_t limit);

// Where static routes lead, each once.
[[nodiscard]] std::vector<NextHopModel> next_hops(const config::Config& config);

}  // namespace towpath::control
