// SPDX-License-Identifier: BSD-3-Clause
// A netfilter chain at the ingress of one netdev that drops everything (decisions.md N9): what
// keeps the kernel deaf where it takes no BPF classifier. It lies behind the tap point too. Made
// over netlink; no program is run. It outlives the process, and goes with its device; `mark` is
// part of its table's name, so that a later process finds out what it meant.
#pragma once

#include <cstdint>
#include <string>

namespace towpath::port {

// 0, or a negative errno: -EOPNOTSUPP when the kernel has no netfilter tables.
[[nodiscard]] int add_ingress_chain(unsigned device_index, const std::string& device,
                                    std::uint32_t mark);
[[nodiscard]] bool has_ingress_chain(unsigned device_index, std::uint32_t mark);
void remove_ingress_chain(unsigned device_index, std::uint32_t mark);

}  // namespace towpath::port
