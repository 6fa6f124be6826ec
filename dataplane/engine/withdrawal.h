// SPDX-License-Identifier: BSD-3-Clause
// What an operator is told when an address leaves the pool: connections end with it.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "dataplane/wire/address.h"

namespace towpath::engine {

// The mappings, of all protocols, that an address of the pool has now.
using CountMappings = std::function<std::size_t(Ipv4Address)>;

// A sentence for each address of `applied` that `next` does not have and that holds a mapping.
[[nodiscard]] std::vector<std::string> withdrawals(std::span<const Ipv4Address> applied,
                                                   std::span<const Ipv4Address> next,
                                                   const CountMappings& count);

}  // namespace towpath::engine
