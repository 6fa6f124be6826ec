// SPDX-License-Identifier: BSD-3-Clause
// Addresses and routes that a TAP gives to the host. The kernel removes both with the netdev. For
// HostTap.
#pragma once

#include <string>

#include "dataplane/packet/interface.h"
#include "dataplane/port/host_tap.h"

namespace towpath::port {

// Without the route that the kernel would add with the best metric. False with errno.
[[nodiscard]] bool add_host_address(unsigned device_index, const InterfaceAddress& address);
// With kHostRouteMetric. False with errno.
[[nodiscard]] bool add_host_route(unsigned device_index, const HostRoute& route);
// In one step with the route to the same place: the host is never without one.
[[nodiscard]] bool replace_host_route(unsigned device_index, const HostRoute& route);
[[nodiscard]] bool remove_host_route(unsigned device_index, const HostRoute& route);
// The kernel shall not drop the other addresses of a network with the first one. Best effort: a
// container may not write the setting.
void keep_secondary_addresses(const std::string& device_name);

}  // namespace towpath::port
