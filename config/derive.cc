// SPDX-License-Identifier: BSD-3-Clause
#include "config/derive.h"

#include <algorithm>

namespace towpath::config {

namespace {

bool is_connected(const Interface& interface, const IpAddress& address) {
    if (address.is_ipv4()) {
        return std::any_of(interface.addresses.begin(), interface.addresses.end(),
                           [&](const auto& own) { return own.prefix.contains(address.ipv4()); });
    }
    return address.is_ipv6() &&
           std::any_of(interface.ipv6_addresses.begin(), interface.ipv6_addresses.end(),
                       [&](const auto& own) { return own.prefix.contains(address.ipv6()); });
}

}  // namespace

std::optional<std::size_t> connected_interface(const Config& config, const IpAddress& address) {
    for (std::size_t index = 0; index < config.interfaces.size(); ++index) {
        if (is_connected(config.interfaces[index], address)) {
            return index;
        }
    }
    return std::nullopt;
}

std::optional<std::size_t> route_interface(const Config& config, const StaticRoute& route) {
    if (!route.interface.empty()) {
        for (std::size_t index = 0; index < config.interfaces.size(); ++index) {
            if (config.interfaces[index].name == route.interface) {
                return index;
            }
        }
        for (std::size_t index = 0; index < config.tunnels.size(); ++index) {
            if (config.tunnels[index].name == route.interface) {
                return config.interfaces.size() + index;
            }
        }
        return std::nullopt;
    }
    return route.via ? connected_interface(config, *route.via) : std::nullopt;
}

std::string_view interface_name(const Config& config, std::size_t index) {
    const std::size_t ports = config.interfaces.size();
    return index < ports ? config.interfaces[index].name : config.tunnels[index - ports].name;
}

std::vector<Ipv4Address> pool_addresses(const Config& config) {
    std::vector<Ipv4Address> addresses;
    const auto append = [&](std::string_view name) {
        if (const Interface* interface = config.find_interface(name)) {
            for (const InterfaceAddress& own : interface->addresses) {
                addresses.push_back(own.address);
            }
        }
    };
    if (config.nat.is_enabled && config.nat.pool.empty()) {
        append(config.nat.outside);
    }
    for (const PoolEntry& entry : config.nat.pool) {
        if (!entry.interface.empty()) {
            append(entry.interface);
            continue;
        }
        // One past the limit is enough for validate() to see that there are too many.
        for (std::uint64_t bits = entry.first.bits();
             bits <= entry.last.bits() && addresses.size() <= kPoolAddressesMax; ++bits) {
            addresses.push_back(Ipv4Address{static_cast<std::uint32_t>(bits)});
        }
    }
    return addresses;
}

namespace {

// Unless a prefix of the list holds it already: thousands of peers share one network.
void add_source(std::vector<Ipv4Prefix>& sources, const IpPrefix& prefix) {
    if (prefix.family() != IpFamily::ipv4 || prefix.length() == 0) {
        return;
    }
    const Ipv4Prefix added{prefix.address().ipv4(), prefix.length()};
    const bool is_held =
        sources.size() > kSourcesMax ||
        std::any_of(sources.begin(), sources.end(), [&](Ipv4Prefix known) {
            return known.length() <= added.length() && known.contains(added.address());
        });
    if (!is_held) {
        sources.push_back(added);
    }
}

void add_tunnel_sources(std::vector<Ipv4Prefix>& sources, const Tunnel& tunnel) {
    for (const TunnelAddress& own : tunnel.addresses) {
        add_source(sources, own.prefix);
    }
    for (const Peer& peer : tunnel.peers) {
        for (const IpPrefix& prefix : peer.allowed_ips) {
            add_source(sources, prefix);
        }
    }
}

}  // namespace

std::vector<Ipv4Prefix> nat_sources(const Config& config) {
    if (!config.nat.source.empty()) {
        return config.nat.source;
    }
    std::vector<Ipv4Prefix> sources;
    for (const Interface& interface : config.interfaces) {
        if (is_inside(config, interface.name)) {
            for (const InterfaceAddress& own : interface.addresses) {
                sources.push_back(own.prefix);
            }
        }
    }
    for (const Tunnel& tunnel : config.tunnels) {
        if (is_inside(config, tunnel.name)) {
            add_tunnel_sources(sources, tunnel);
        }
    }
    for (const StaticRoute& route : config.routes) {
        const auto index = route_interface(config, route);
        if (index && route.to.family() == IpFamily::ipv4 &&
            is_inside(config, interface_name(config, *index))) {
            sources.emplace_back(route.to.address().ipv4(), route.to.length());
        }
    }
    std::sort(sources.begin(), sources.end());
    sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
    return sources;
}

std::vector<PortRange> reserved_port_ranges(const Config& config) {
    std::vector<PortRange> ranges = config.nat.reserve_ports;
    ranges.push_back(config.host_ports.ephemeral);
    ranges.insert(ranges.end(), config.host_ports.services.begin(),
                  config.host_ports.services.end());
    for (const LocalRule& rule : config.local_allow) {
        // A rule for every port is about who may ask, not about which ports the host uses.
        const bool names_ports = rule.ports.first != 0;
        if (rule.protocol != Protocol::icmp && names_ports) {
            ranges.push_back(rule.ports);
        }
    }
    for (const Tunnel& tunnel : config.tunnels) {
        ranges.push_back({tunnel.listen_port, tunnel.listen_port});
    }
    std::sort(ranges.begin(), ranges.end(),
              [](const PortRange& a, const PortRange& b) { return a.first < b.first; });
    std::vector<PortRange> merged;
    for (const PortRange& range : ranges) {
        if (!merged.empty() && range.first <= std::uint32_t{merged.back().last} + 1U) {
            merged.back().last = std::max(merged.back().last, range.last);
        } else {
            merged.push_back(range);
        }
    }
    return merged;
}

bool is_inside(const Config& config, std::string_view interface) {
    return std::find(config.nat.inside.begin(), config.nat.inside.end(), interface) !=
           config.nat.inside.end();
}

bool is_outside(const Config& config, std::string_view interface) {
    return config.nat.is_enabled && config.nat.outside == interface;
}

}  // namespace towpath::config
