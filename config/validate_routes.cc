// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <map>

#include "config/derive.h"
#include "config/findings.h"

namespace towpath::config {
namespace {

bool is_own(const Interface& interface, const IpAddress& address) {
    return std::any_of(interface.addresses.begin(), interface.addresses.end(),
                       [&](const auto& own) { return address == IpAddress{own.address}; }) ||
           std::any_of(interface.ipv6_addresses.begin(), interface.ipv6_addresses.end(),
                       [&](const auto& own) { return address == IpAddress{own.address}; });
}

// Whether the route's words stand for an interface or a tunnel that can be left by.
bool check_interface(Findings& findings, const StaticRoute& route, const std::string& path) {
    const Config& config = findings.config();
    if (!route.via && route.interface.empty()) {
        findings.error(path, path + " needs via: ADDRESS or interface: NAME");
        return false;
    }
    if (config.find_tunnel(route.interface) != nullptr) {
        if (route.via) {
            findings.error(path + ".via",
                           "a tunnel has no next hops: leave via out, allowed-ips say which "
                           "peer it is");
        }
        return false;
    }
    if (!route.interface.empty() && config.find_interface(route.interface) == nullptr) {
        findings.error(path + ".interface", "no interface is called '" + route.interface + "'");
        return false;
    }
    return true;
}

// A link-local next hop is on whatever link is named.
void check_link_local(Findings& findings, const StaticRoute& route, const std::string& path) {
    if (route.interface.empty()) {
        findings.error(path + ".via", "next hop " + to_string(*route.via) +
                                          " is link-local: say interface: NAME as well");
    } else if (findings.config().find_interface(route.interface)->ipv6_addresses.empty()) {
        findings.error(path + ".interface", route.interface + " has no IPv6 address");
    }
}

void check_next_hop(Findings& findings, const StaticRoute& route, const std::string& path) {
    const Config& config = findings.config();
    const std::string next_hop = "next hop " + to_string(*route.via);
    if (route.via->family() != route.to.family()) {
        findings.error(path + ".via",
                       next_hop + " is of another family than " + to_string(route.to));
        return;
    }
    if (route.via->is_ipv6() && is_link_local(route.via->ipv6())) {
        check_link_local(findings, route, path);
        return;
    }
    const auto connected = connected_interface(config, *route.via);
    if (!connected) {
        findings.error(path + ".via", next_hop + " is in no connected network");
    } else if (!route.interface.empty() && config.interfaces[*connected].name != route.interface) {
        findings.error(path + ".via", next_hop + " is reached by " +
                                          config.interfaces[*connected].name + ", not by " +
                                          route.interface);
    } else if (is_own(config.interfaces[*connected], *route.via)) {
        findings.error(path + ".via", next_hop + " is an address of this box");
    }
}

}  // namespace

void check_routes(Findings& findings) {
    const Config& config = findings.config();
    if (config.routes.size() > kStaticRoutesMax) {
        findings.error("routes.static", "routes.static lists more than 4096 routes");
        return;
    }
    std::map<IpPrefix, std::size_t> seen;
    for (std::size_t index = 0; index < config.routes.size(); ++index) {
        const StaticRoute& route = config.routes[index];
        const std::string path = element("routes.static", index);
        if (!seen.emplace(route.to, index).second) {
            findings.error(path + ".to", "a second route to " + to_string(route.to));
        }
        if (check_interface(findings, route, path) && route.via) {
            check_next_hop(findings, route, path);
        }
    }
}

}  // namespace towpath::config
