// SPDX-License-Identifier: BSD-3-Clause
// What the log says of a run as a whole: once when it is known what runs, and when it stops. Pure.
#pragma once

#include <string>
#include <vector>

#include "control/api_model.h"

namespace towpath::control {

// "the data plane runs 0.1.0 on core 1, 2: lan af_packet inside, wan af_packet outside, wg0
// wireguard port 51820".
[[nodiscard]] std::string running_line(const StatusModel& status,
                                       const std::vector<InterfaceModel>& interfaces,
                                       const std::vector<TunnelModel>& tunnels);

// What there was when it stopped: for how long it ran, the generation, mappings and peers; as last
// heard, because the data plane may stop first.
[[nodiscard]] std::string stopped_line(const StatusModel& status,
                                       const std::vector<TunnelModel>& tunnels);

}  // namespace towpath::control
