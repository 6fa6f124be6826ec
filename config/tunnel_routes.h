// SPDX-License-Identifier: BSD-3-Clause
// What allowed IPs do to routes (Tunnel::has_routes): they are routes into the tunnel, but never
// instead of a network of an interface or of a static route. A default route is an exception: a
// peer whose allowed IPs are everything is where everything goes, as with wg-quick, and the static
// one still leads to its endpoint.
#pragma once

#include <map>
#include <string_view>

#include "config/findings.h"

namespace towpath::config {

// The networks that somebody else has: those of interfaces, and of static routes that lead to no
// tunnel, but for a default route. The configuration must outlive them.
class HeldNetworks {
public:
    explicit HeldNetworks(const Config& config);
    // Who has exactly this network: an interface's name or "routes.static"; empty: nobody, so that
    // an allowed IP makes a route.
    [[nodiscard]] std::string_view holder_of(const IpPrefix& network) const;

private:
    std::map<IpPrefix, std::string_view> holders_;
};

// Warns of allowed IPs that make no route, that take hosts of an interface's network away or
// everything from the inside; of advertised prefixes that lead nowhere; of an exit node without
// NAT.
void check_tunnel_routes(Findings& findings, const HeldNetworks& held, const Tunnel& tunnel);

}  // namespace towpath::config
