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
                                                             Ipv4Address address);

// The interface a static route leaves by; none if its next hop is not connected.
[[nodiscard]] std::optional<std::size_t> route_interface(const Config& config,
                                                         const StaticRoute& route);

// Every pool address in the order of the file; unset in the file: the outside interface's.
[[nodiscard]] std::vector<Ipv4Address> pool_addresses(const Config& config);

// nat.source, or the connected and static prefixes reached through inside interfaces (N19).
[[nodiscard]] std::vector<Ipv4Prefix> nat_sources(const Config& config);

// Ports that no mapping gets: host-ports, nat.reserve-ports and the TCP and UDP ports of
// local.allow. Ascending and merged.
[[nodiscard]] std::vector<PortRange> reserved_port_ranges(const Config& config);

// The interface's role in the NAT.
[[nodiscard]] bool is_inside(const Config& config, std::string_view interface);
[[nodiscard]] bool is_outside(const Config& config, std::string_view interface);

}  // namespace towpath::config
