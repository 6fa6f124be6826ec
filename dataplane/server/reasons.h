// SPDX-License-Identifier: BSD-3-Clause
// The names behind the indexes of CountersReply, for a reader that has no list of its own.
#pragma once

#include <vector>

#include "dataplane/contract/messages.h"

namespace towpath::server {

// Every drop reason but `none`, then every stage lane.
[[nodiscard]] std::vector<contract::ReasonRow> reason_rows();

}  // namespace towpath::server
