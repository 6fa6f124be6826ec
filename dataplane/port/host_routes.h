// SPDX-License-Identifier: BSD-3-Clause
// Addresses and routes that a TAP gives to the host. The kernel removes both with the netdev. For
// HostTap.
#pragma once

#include "dataplane/packet/interface.h"
#include "dataplane/port/host_tap.h"

namespace towpath::port {

// Without the route that the kernel would add with the best metric. False with errno.
[[nodiscard]] bool add_host_address(unsigned device_index, const InterfaceAddress& address);
// With kHostRouteMetric. False with errno.
[[nodiscard]] bool add_host_route(unsigned device_index, const HostRoute& route);

}  // namespace towpath::port
