// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <map>

#include "config/derive.h"
#include "config/findings.h"

namespace towpath::config {
namespace {

// For who writes the name of the device where ours of the interface is meant.
std::string unknown_interface(const Config& config, const std::string& name) {
    std::string text = "no interface is called '" + name + "'";
    for (const Interface& interface : config.interfaces) {
        if (interface.match.name == name) {
            text += ": the one on that device is '" + interface.name + "'";
        }
    }
    return text;
}

void check_sides(Findings& findings) {
    const Config& config = findings.config();
    const Nat& nat = config.nat;
    // Without any interface every name would be unknown: one message is enough.
    const auto is_known = [&](const std::string& name) {
        return config.interfaces.empty() || config.has_interface(name);
    };
    if (nat.inside.empty()) {
        findings.error("nat.inside", "nat.inside is empty: name the interface with private hosts");
    }
    for (std::size_t index = 0; index < nat.inside.size(); ++index) {
        const std::string& name = nat.inside[index];
        const std::string path = element("nat.inside", index);
        if (!is_known(name)) {
            findings.error(path, unknown_interface(config, name));
        } else if (std::find(nat.inside.begin(),
                             nat.inside.begin() + static_cast<std::ptrdiff_t>(index),
                             name) != nat.inside.begin() + static_cast<std::ptrdiff_t>(index)) {
            findings.error(path, "'" + name + "' is given twice in nat.inside");
        } else if (name == nat.outside) {
            findings.error(path, "'" + name + "' is both inside and outside");
        }
    }
    if (config.find_tunnel(nat.outside) != nullptr) {
        findings.error("nat.outside",
                       "'" + nat.outside + "' is a tunnel: the internet is not there");
    } else if (!nat.outside.empty() && !is_known(nat.outside)) {
        findings.error("nat.outside", unknown_interface(config, nat.outside));
    }
}

// Why an address cannot be in the pool; empty if it can.
std::string pool_fault(const Config& config, Ipv4Address address) {
    const std::uint32_t bits = address.bits();
    if (address.is_multicast() || bits >> 24U == 127 || bits >> 24U == 0 || bits >> 28U == 15) {
        return " is not an address of a host";
    }
    for (const StaticRoute& route : config.routes) {
        if (route.via == IpAddress{address}) {
            return " is the next hop of the route to " + to_string(route.to);
        }
    }
    for (const Interface& interface : config.interfaces) {
        if (is_outside(config, interface.name)) {
            continue;
        }
        for (const InterfaceAddress& own : interface.addresses) {
            if (own.prefix.contains(address)) {
                return " lies in " + to_string(own.prefix) + " of " + interface.name +
                       " (BAD-CFG-01)";
            }
        }
    }
    for (const Ipv4Prefix& source : config.nat.source) {
        if (source.contains(address)) {
            return " lies in nat.source " + to_string(source) + " (BAD-CFG-01)";
        }
    }
    return {};
}

void check_pool_entry(Findings& findings, std::size_t index,
                      std::map<Ipv4Address, std::size_t>& taken) {
    const Config& config = findings.config();
    const PoolEntry& entry = config.nat.pool[index];
    const std::string path = element("nat.pool", index);
    if (!entry.interface.empty()) {
        const Interface* interface = config.find_interface(entry.interface);
        if (interface == nullptr) {
            findings.error(path, unknown_interface(config, entry.interface));
            return;
        }
        if (interface->addresses.empty()) {
            findings.error(
                path, "nat.pool: interface " + entry.interface + " has no address (BAD-CFG-01)");
            return;
        }
    }
    Config alone;
    alone.interfaces = config.interfaces;
    alone.nat.pool = {entry};
    for (const Ipv4Address address : pool_addresses(alone)) {
        const std::string fault = pool_fault(config, address);
        if (!fault.empty()) {
            findings.error(path, "pool address " + to_string(address) + fault);
            return;
        }
        if (!taken.emplace(address, index).second) {
            findings.error(path, "pool address " + to_string(address) +
                                     " is given twice: pools overlap (BAD-CFG-01)");
            return;
        }
    }
}

void check_pool(Findings& findings) {
    const Config& config = findings.config();
    std::map<Ipv4Address, std::size_t> taken;
    for (std::size_t index = 0; index < config.nat.pool.size(); ++index) {
        check_pool_entry(findings, index, taken);
    }
    const Interface* outside = config.find_interface(config.nat.outside);
    if (config.nat.pool.empty() && outside != nullptr && outside->addresses.empty()) {
        findings.error("nat.outside", "the pool is empty (BAD-CFG-01): " + config.nat.outside +
                                          " has no address and nat.pool lists none");
    }
    const std::size_t count = pool_addresses(config).size();
    if (count > kPoolAddressesMax) {
        findings.error("nat.pool", "nat.pool has more than 256 addresses");
    } else if (count > config.nat.limits.pool_addresses) {
        findings.error("nat.pool", "nat.pool has " + std::to_string(count) +
                                       " addresses, but nat.limits.pool-addresses is " +
                                       std::to_string(config.nat.limits.pool_addresses));
    }
}

struct Floor {
    std::string_view key;
    std::chrono::seconds Timeouts::*member;
    std::chrono::seconds least;
    std::string_view rule;
};

// nat-behaviour.md section 5.
constexpr std::array kFloors{
    Floor{"udp", &Timeouts::udp, std::chrono::seconds{120}, "U-05"},
    Floor{"udp-unreplied", &Timeouts::udp_unreplied, std::chrono::seconds{120}, "U-05"},
    Floor{"tcp-established", &Timeouts::tcp_established, std::chrono::seconds{7440}, "T-05"},
    Floor{"tcp-open", &Timeouts::tcp_open, std::chrono::seconds{240}, "T-05"},
    Floor{"tcp-close", &Timeouts::tcp_close, std::chrono::seconds{240}, "T-05"},
    Floor{"icmp", &Timeouts::icmp, std::chrono::seconds{60}, "I-02"},
    Floor{"port-hold", &Timeouts::port_hold, std::chrono::seconds{120}, "C-08"},
};

void check_timeouts(Findings& findings) {
    const Timeouts& timeouts = findings.config().nat.timeouts;
    for (const Floor& floor : kFloors) {
        const auto value = timeouts.*floor.member;
        if (value >= floor.least) {
            continue;
        }
        const std::string path = "nat.timeouts." + std::string{floor.key};
        const std::string text = path + " " + to_string(value) + " is below its floor of " +
                                 to_string(floor.least) + " (" + std::string{floor.rule} + ")";
        if (timeouts.allow_below_floor) {
            findings.warning(path, text);
        } else {
            findings.error(path, text + "; allow-below-floor: true overrides (BAD-CFG-03)");
        }
    }
}

void check_ports(Findings& findings) {
    const Config& config = findings.config();
    if (config.nat.reserve_ports.size() > kReservedRangesMax) {
        findings.error("nat.reserve-ports", "nat.reserve-ports lists more than 64 ranges");
        return;
    }
    for (const PortRange& reserved : reserved_port_ranges(config)) {
        if (reserved.first <= config.nat.ports.first && reserved.last >= config.nat.ports.last) {
            findings.error("nat.ports", "no port is left for mappings (BAD-CFG-01): all of " +
                                            std::to_string(config.nat.ports.first) + "-" +
                                            std::to_string(config.nat.ports.last) + " is reserved");
        }
    }
}

// RFC 1918.
bool is_private(Ipv4Address address) {
    return Ipv4Prefix{Ipv4Address{0x0A000000U}, 8}.contains(address) ||
           Ipv4Prefix{Ipv4Address{0xAC100000U}, 12}.contains(address) ||
           Ipv4Prefix{Ipv4Address{0xC0A80000U}, 16}.contains(address);
}

// A router without NAT is a configuration like any other, but seldom what was meant where private
// networks stand in front of a way to everywhere.
void check_absence(Findings& findings) {
    const Config& config = findings.config();
    const auto is_default = [](const StaticRoute& route) {
        return route.to == IpPrefix{Ipv4Prefix{}};
    };
    const auto way_out = std::find_if(config.routes.begin(), config.routes.end(), is_default);
    const auto exit =
        way_out == config.routes.end() ? std::nullopt : route_interface(config, *way_out);
    if (!exit || *exit >= config.interfaces.size()) {
        return;
    }
    const auto has_private = [](const Interface& interface) {
        return std::any_of(interface.addresses.begin(), interface.addresses.end(),
                           [](const InterfaceAddress& own) { return is_private(own.address); });
    };
    const Interface& outside = config.interfaces[*exit];
    const auto hidden = std::find_if(config.interfaces.begin(), config.interfaces.end(),
                                     [&](const Interface& interface) {
                                         return &interface != &outside && has_private(interface);
                                     });
    if (hidden != config.interfaces.end() && !has_private(outside)) {
        findings.warning("routes", "there is no nat: what " + hidden->name + " sends leaves " +
                                       outside.name +
                                       " with private addresses, to which nobody can answer");
    }
}

// The kernel's addresses move to the TAP, where packets arrive that N18 lets through: from inside
// all, from elsewhere what is listed. An operator who is logged in from there is out.
void check_adopted(Findings& findings) {
    const Config& config = findings.config();
    for (const Interface& interface : config.interfaces) {
        const bool is_reached =
            is_inside(config, interface.name) ||
            std::any_of(config.local_allow.begin(), config.local_allow.end(),
                        [&interface](const LocalRule& rule) {
                            return rule.interface.empty() || rule.interface == interface.name;
                        });
        if (interface.adopt_address && !is_reached) {
            const std::string path = "interfaces." + interface.name + ".adopt-address";
            findings.warning(path, "the kernel's address on " + interface.name +
                                       " is taken over, and no local.allow lets anybody reach the "
                                       "host there any more, by SSH or otherwise");
        }
    }
}

}  // namespace

void check_nat(Findings& findings) {
    const Config& config = findings.config();
    if (!config.nat.is_enabled) {
        check_absence(findings);
        return;
    }
    check_sides(findings);
    check_pool(findings);
    check_timeouts(findings);
    check_ports(findings);
    if (nat_sources(config).size() > kSourcesMax) {
        findings.error("nat.source", "more than 256 prefixes may be translated: list fewer");
    }
    const bool has_default =
        std::any_of(config.routes.begin(), config.routes.end(),
                    [](const StaticRoute& route) { return route.to == IpPrefix{Ipv4Prefix{}}; });
    if (!has_default) {
        findings.warning("nat",
                         "there is no default route: only connected networks and the listed "
                         "routes are reachable");
    }
}

void check_local(Findings& findings) {
    const Config& config = findings.config();
    if (config.local_allow.size() > kLocalRulesMax) {
        findings.error("local.allow", "local.allow lists more than 256 rules");
        return;
    }
    check_adopted(findings);
    for (std::size_t index = 0; index < config.local_allow.size(); ++index) {
        const LocalRule& rule = config.local_allow[index];
        const std::string path = element("local.allow", index);
        if (!rule.interface.empty() && !config.has_interface(rule.interface)) {
            findings.error(path + ".from", "no interface is called '" + rule.interface + "'");
        }
        if (rule.protocol == Protocol::icmp && rule.ports != PortRange{0, 65535}) {
            findings.error(path + ".port", "icmp has no ports");
        }
    }
    const auto& services = config.host_ports.services;
    if (services.size() > kReservedRangesMax) {
        findings.error("host-ports", "host-ports lists more than 64 ranges");
        return;
    }
    std::vector<PortRange> ranges = services;
    ranges.push_back(config.host_ports.ephemeral);
    std::sort(ranges.begin(), ranges.end(),
              [](const PortRange& a, const PortRange& b) { return a.first < b.first; });
    for (std::size_t index = 1; index < ranges.size(); ++index) {
        if (ranges[index].first <= ranges[index - 1].last) {
            findings.error("host-ports",
                           "host-ports overlap at port " + std::to_string(ranges[index].first));
        }
    }
}

}  // namespace towpath::config
