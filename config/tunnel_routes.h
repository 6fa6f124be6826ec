// SPDX-License-Identifier: BSD-3-Clause
// What allowed IPs do to routes (Tunnel::has_routes): they are routes into the tunnel, but never
// instead of a network of an interface or of a static route. A default route is an exception: a
// peer whose allowed IPs are everything is where everything goes, as with wg-quick, and the static
// one still leads to its endpoint.
#pragma once

#include <string_view>

#include "config/findings.h"

namespace towpath::config {

// Who else has exactly this network: an interface's name, or "routes.static" for one that leads to
// no tunnel; empty: nobody, so that an allowed IP makes a route.
[[nodiscard]] std::string_view holder_of(const Config& config, const IpPrefix& network);

// Warns of allowed IPs that make no route, that take hosts of an interface's network away or
// everything from the inside; of advertised prefixes that lead nowhere; of an exit node without
// NAT.
void check_tunnel_routes(Findings& findings, const Tunnel& tunnel);

}  // namespace towpath::config
