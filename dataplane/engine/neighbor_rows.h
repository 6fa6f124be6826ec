// SPDX-License-Identifier: BSD-3-Clause
// The neighbours as control is told of them.
#pragma once

#include <vector>

#include "dataplane/contract/neighbors.h"
#include "dataplane/ipv6/neighbor_table.h"
#include "dataplane/route/neighbor_table.h"
#include "dataplane/wire/now.h"

namespace towpath::engine {

[[nodiscard]] contract::NeighborState to_contract(route::NeighborState state) noexcept;

// What both tables hold, in the order of interfaces and addresses. Any thread; an entry that
// changes meanwhile may be missing.
[[nodiscard]] std::vector<contract::NeighborRow> neighbor_rows(const route::NeighborTable& ipv4,
                                                               const ipv6::NeighborTable& ipv6,
                                                               Now now);

// By interface, then IPv4 before IPv6, then address.
void sort_rows(std::vector<contract::NeighborRow>& rows);

}  // namespace towpath::engine
