// SPDX-License-Identifier: BSD-3-Clause
#include "config/tunnel_routes.h"

#include <algorithm>

#include "config/derive.h"

namespace towpath::config {
namespace {

std::string path_of(const Tunnel& tunnel) {
    return "wireguard." + tunnel.name;
}

template <class Visit>
void each_network(const Interface& interface, const Visit& visit) {
    for (const InterfaceAddress& own : interface.addresses) {
        visit(IpPrefix{own.prefix});
    }
    for (const Ipv6InterfaceAddress& own : interface.ipv6_addresses) {
        visit(IpPrefix{own.prefix.address(), own.prefix.length()});
    }
}

// The interface with a network that holds all of this one; empty: none.
std::string_view network_around(const Config& config, const IpPrefix& network) {
    std::string_view found;
    for (const Interface& interface : config.interfaces) {
        each_network(interface, [&](const IpPrefix& own) {
            if (own.length() < network.length() && own.contains(network.address())) {
                found = interface.name;
            }
        });
    }
    return found;
}

// The first allowed IP of a kind and how many there are: a tunnel has thousands of peers.
struct Kind {
    std::string path;
    std::string sentence;
    std::size_t count = 0;

    void note(std::string where, const std::string& what) {
        if (count++ == 0) {
            path = std::move(where);
            sentence = what;
        }
    }
    void warn(Findings& findings) const {
        if (count != 0) {
            const std::string more =
                count == 1 ? "" : " (and " + std::to_string(count - 1) + " more like it)";
            findings.warning(path, sentence + more);
        }
    }
};

void check_allowed_ips(Findings& findings, const HeldNetworks& networks, const Tunnel& tunnel) {
    const Config& config = findings.config();
    Kind held;
    Kind taken;
    Kind everything;
    for (std::size_t index = 0; index < tunnel.peers.size(); ++index) {
        const Peer& peer = tunnel.peers[index];
        for (std::size_t at = 0; at < peer.allowed_ips.size(); ++at) {
            const IpPrefix& network = peer.allowed_ips[at];
            const std::string path =
                element(element(path_of(tunnel) + ".peers", index) + ".allowed-ips", at);
            const std::string whose = to_string(network) + " of peer " + label_of(peer);
            if (const std::string_view holder = networks.holder_of(network); !holder.empty()) {
                held.note(path, whose + " is that of " + std::string{holder} +
                                    ", which keeps it: no route leads into " + tunnel.name);
            } else if (const std::string_view around = network_around(config, network);
                       !around.empty()) {
                taken.note(path, whose + " lies in the network of " + std::string{around} +
                                     ": what is there can no longer be reached");
            } else if (network == IpPrefix{Ipv4Prefix{}} && is_inside(config, tunnel.name)) {
                everything.note(
                    path, whose + " sends to it all that is to leave by " + config.nat.outside +
                              ", and what comes back is dropped (source_not_inside): take " +
                              tunnel.name + " out of nat.inside, or set table: off");
            }
        }
    }
    held.warn(findings);
    taken.warn(findings);
    everything.warn(findings);
}

bool is_served(const Config& config, const HeldNetworks& networks, const IpPrefix& network) {
    bool found = !networks.holder_of(network).empty() || !network_around(config, network).empty();
    const auto leads_to = [&](const IpPrefix& route) {
        return route.length() != 0 && route.length() <= network.length() &&
               route.contains(network.address());
    };
    for (const StaticRoute& route : config.routes) {
        found = found || leads_to(route.to);
    }
    for (const Tunnel& tunnel : config.tunnels) {
        for (const Peer& peer : tunnel.peers) {
            found =
                found || std::any_of(peer.allowed_ips.begin(), peer.allowed_ips.end(), leads_to);
        }
        for (const TunnelAddress& own : tunnel.addresses) {
            found = found || leads_to(own.prefix);
        }
    }
    return found;
}

void check_advertised(Findings& findings, const HeldNetworks& networks, const Tunnel& tunnel) {
    const std::string path = path_of(tunnel) + ".advertise";
    const Config& config = findings.config();
    const Advertise& advertise = *tunnel.advertise;
    if (advertise.routes.empty() && !advertise.is_exit_node) {
        findings.warning(path, path + " lists nothing: peers reach the gateway alone; leave it " +
                                   "out and they reach everything that is routed");
    }
    for (std::size_t index = 0; index < advertise.routes.size(); ++index) {
        const IpPrefix& network = advertise.routes[index];
        if (network.length() == 0) {
            findings.warning(element(path + ".routes", index),
                             to_string(network) +
                                 " is everything: exit-node: true is how to offer the Internet");
        } else if (!is_served(config, networks, network)) {
            findings.warning(element(path + ".routes", index),
                             "nothing leads to " + to_string(network) +
                                 ": no network of an interface, no route");
        }
    }
    if (advertise.is_exit_node && !is_inside(config, tunnel.name)) {
        findings.warning(path + ".exit-node",
                         tunnel.name + " is not in nat.inside: what its peers send to the " +
                             "Internet leaves with their private addresses");
    }
}

}  // namespace

HeldNetworks::HeldNetworks(const Config& config) {
    for (const Interface& interface : config.interfaces) {
        each_network(interface,
                     [&](const IpPrefix& own) { holders_.emplace(own, interface.name); });
    }
    for (const StaticRoute& route : config.routes) {
        if (route.to.length() != 0 && config.find_tunnel(route.interface) == nullptr) {
            holders_.emplace(route.to, "routes.static");
        }
    }
}

std::string_view HeldNetworks::holder_of(const IpPrefix& network) const {
    const auto found = holders_.find(network);
    return found == holders_.end() ? std::string_view{} : found->second;
}

void check_tunnel_routes(Findings& findings, const HeldNetworks& held, const Tunnel& tunnel) {
    if (tunnel.has_routes) {
        check_allowed_ips(findings, held, tunnel);
    }
    if (tunnel.advertise) {
        check_advertised(findings, held, tunnel);
    }
}

}  // namespace towpath::config
