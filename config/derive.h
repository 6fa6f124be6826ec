// SPDX-License-Identifier: BSD-3-Clause
// What the names in a valid Config resolve to. Pure. Used by validate() for rules across fields and
// by control for what it tells the data plane, so that both mean the same.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace towpath::config {

// Index into Config::interfaces of the interface whose connected network holds `address`.
[[nodiscard]] std::optional<std::size_t> connected_interface(const Config& config,
                                                             const IpAddress& address);

// The interface a static route leaves by; none if its next hop is not connected. Indices of tunnels
// follow those of Config::interfaces.
[[nodiscard]] std::optional<std::size_t> route_interface(const Config& config,
                                                         const StaticRoute& route);
// Of either kind, by such an index.
[[nodiscard]] std::string_view interface_name(const Config& config, std::size_t index);

// Every pool address in the order of the file; unset in the file: the outside interface's.
[[nodiscard]] std::vector<Ipv4Address> pool_addresses(const Config& config);

// nat.source, or the connected and static prefixes reached through inside interfaces (N19); of a
// tunnel also what its peers may send from, but for a default route.
[[nodiscard]] std::vector<Ipv4Prefix> nat_sources(const Config& config);

// Ports that no mapping gets: host-ports, nat.reserve-ports, the TCP and UDP ports of
// local.allow and the listen ports of tunnels (W9). Ascending and merged.
[[nodiscard]] std::vector<PortRange> reserved_port_ranges(const Config& config);

// The interface's role in the NAT.
[[nodiscard]] bool is_inside(const Config& config, std::string_view interface);
[[nodiscard]] bool is_outside(const Config& config, std::string_view interface);

}  // namespace towpath::config
