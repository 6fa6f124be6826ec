// SPDX-License-Identifier: BSD-3-Clause
// The model as Prometheus text: names and labels of operator.md section 6, as far as the thing
// exists. Collected at the scrape from what control last heard; nothing is kept here.
#pragma once

#include <string>
#include <vector>

#include "control/api_model.h"

namespace towpath::control::api {

// `usage` and `peers` are what the data plane answered; empty while it does not.
[[nodiscard]] std::string metrics_text(const ApiModel& model,
                                       const std::vector<PortUsageModel>& usage,
                                       const std::optional<std::vector<PeerModel>>& peers);

}  // namespace towpath::control::api
