// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <map>

#include "config/derive.h"
#include "config/findings.h"
#include "config/tunnel_routes.h"
#include "config/tunnel_scalar.h"
#include "dataplane/wire/ipv6.h"

namespace towpath::config {
namespace {

std::string path_of(const Tunnel& tunnel) {
    return "wireguard." + tunnel.name;
}

// What a wg-quick file says may not be said a second time.
void check_sources(Findings& findings, const Tunnel& tunnel) {
    const std::string path = path_of(tunnel);
    for (const std::string_view key :
         {"private-key", "listen-port", "addresses", "mtu", "table", "peers"}) {
        const std::string place = path + "." + std::string{key};
        if (!tunnel.config_file.empty() && findings.is_in_configuration(place)) {
            findings.error(place, place + " comes from " + tunnel.config_file +
                                      ": leave it out here, or leave config out");
        }
    }
    if (tunnel.private_key.is_zero()) {
        findings.error(path + ".private-key",
                       tunnel.config_file.empty()
                           ? path + " needs private-key: file:PATH, or config: a wg-quick file"
                           : path + ": " + tunnel.config_file + " has no PrivateKey");
    }
}

void check_name(Findings& findings, const Tunnel& tunnel) {
    if (findings.config().find_interface(tunnel.name) != nullptr) {
        findings.error(path_of(tunnel), "'" + tunnel.name + "' is already an interface");
    }
}

// Also against every tunnel before this one (W9).
void check_port(Findings& findings, std::size_t tunnel_index) {
    const auto& tunnels = findings.config().tunnels;
    const Tunnel& tunnel = tunnels[tunnel_index];
    for (std::size_t other = 0; other < tunnel_index; ++other) {
        if (tunnels[other].listen_port == tunnel.listen_port) {
            findings.error(path_of(tunnel) + ".listen-port",
                           "port " + std::to_string(tunnel.listen_port) + " of " + tunnel.name +
                               " is already that of " + tunnels[other].name +
                               ": every interface has its own (absent is 51820)");
            return;
        }
    }
}

std::string written(const TunnelAddress& own) {
    return to_string(own.address) + "/" + std::to_string(own.prefix.length());
}

bool overlap(const IpPrefix& left, const IpPrefix& right) {
    return left.contains(right.address()) || right.contains(left.address());
}

bool is_of_a_host(const IpAddress& address) {
    if (address.is_ipv6()) {
        return !is_martian(address.ipv6()) && !is_multicast(address.ipv6());
    }
    const std::uint32_t bits = address.ipv4().bits();
    return bits >> 24U != 0 && bits >> 24U != 127 && bits >> 28U < 14;
}

// Why the box cannot have this address in the tunnel too; empty if it can.
std::string clash_with_interfaces(const Config& config, const TunnelAddress& own) {
    const auto is_shared = [&](const auto& theirs) {
        return overlap(own.prefix, IpPrefix{theirs.prefix.address(), theirs.prefix.length()});
    };
    for (const Interface& interface : config.interfaces) {
        for (const InterfaceAddress& theirs : interface.addresses) {
            if (is_shared(theirs)) {
                return " overlaps " + to_string(theirs.prefix) + " of " + interface.name;
            }
        }
        for (const Ipv6InterfaceAddress& theirs : interface.ipv6_addresses) {
            if (is_shared(theirs)) {
                return " overlaps " +
                       to_string(IpPrefix{theirs.prefix.address(), theirs.prefix.length()}) +
                       " of " + interface.name;
            }
        }
    }
    return {};
}

// Against every address before it.
std::string clash_with_tunnels(const Config& config, std::size_t tunnel_index,
                               std::size_t address_index) {
    const IpAddress& own = config.tunnels[tunnel_index].addresses[address_index].address;
    for (std::size_t other = 0; other <= tunnel_index; ++other) {
        const auto& theirs = config.tunnels[other].addresses;
        const std::size_t end = other == tunnel_index ? address_index : theirs.size();
        for (std::size_t index = 0; index < end; ++index) {
            if (theirs[index].address == own) {
                return " is given twice: also on " + config.tunnels[other].name;
            }
        }
    }
    return {};
}

void check_addresses(Findings& findings, std::size_t tunnel_index) {
    const Config& config = findings.config();
    const Tunnel& tunnel = config.tunnels[tunnel_index];
    const std::string path = path_of(tunnel) + ".addresses";
    if (tunnel.addresses.size() > kTunnelAddressesMax) {
        findings.error(path, path + " lists more than 16 addresses");
        return;
    }
    for (std::size_t index = 0; index < tunnel.addresses.size(); ++index) {
        const TunnelAddress& own = tunnel.addresses[index];
        std::string fault = is_of_a_host(own.address) ? clash_with_interfaces(config, own)
                                                      : std::string{" is not an address of a host"};
        if (fault.empty()) {
            fault = clash_with_tunnels(config, tunnel_index, index);
        }
        if (!fault.empty()) {
            findings.error(element(path, index), written(own) + fault);
        }
        if (own.address.is_ipv6() && tunnel.mtu_bytes != 0 &&
            tunnel.mtu_bytes < kIpv6MtuMinimum_bytes) {
            findings.error(path_of(tunnel) + ".mtu",
                           path_of(tunnel) + ".mtu is below 1280, which IPv6 needs");
        }
    }
}

std::string peer_path(const Tunnel& tunnel, std::size_t index) {
    return element(path_of(tunnel) + ".peers", index);
}

std::string place_text(const Findings& findings, const std::string& path) {
    return "line " + std::to_string(findings.place_of(path).position.line);
}

// Keys differ, names differ, and a prefix belongs to one peer (W12).
void check_peers(Findings& findings, const Tunnel& tunnel) {
    std::map<PublicKeyBytes, std::size_t> peer_of_key;
    std::map<std::string, std::size_t> peer_of_name;
    std::map<IpPrefix, std::pair<std::size_t, std::size_t>> owner_of;
    for (std::size_t index = 0; index < tunnel.peers.size(); ++index) {
        const Peer& peer = tunnel.peers[index];
        const std::string path = peer_path(tunnel, index);
        if (peer.public_key == PublicKeyBytes{}) {
            findings.error(path + ".public-key", "a peer of " + tunnel.name + " has no public key");
        } else if (const auto [first, is_new] = peer_of_key.emplace(peer.public_key, index);
                   !is_new) {
            findings.error(path + ".public-key",
                           "peer " + label_of(peer) + " is given twice: also on " +
                               place_text(findings, peer_path(tunnel, first->second)));
        }
        if (!peer.name.empty() && !peer_of_name.emplace(peer.name, index).second) {
            findings.error(path + ".name", "a second peer called '" + peer.name + "'");
        }
        for (std::size_t at = 0; at < peer.allowed_ips.size(); ++at) {
            const auto [first, is_new] =
                owner_of.emplace(peer.allowed_ips[at], std::pair{index, at});
            if (!is_new && first->second.first != index) {
                const auto [other, other_at] = first->second;
                findings.error(
                    element(path + ".allowed-ips", at),
                    to_string(peer.allowed_ips[at]) + " of peer " + label_of(peer) +
                        " is already that of peer " + label_of(tunnel.peers[other]) + " (" +
                        place_text(findings,
                                   element(peer_path(tunnel, other) + ".allowed-ips", other_at)) +
                        "): a prefix has one peer");
            }
        }
    }
}

bool has_underlay_route(const Config& config, const IpAddress& address) {
    if (connected_interface(config, address)) {
        return true;
    }
    return std::any_of(config.routes.begin(), config.routes.end(), [&](const StaticRoute& route) {
        return route.to.contains(address) && config.find_tunnel(route.interface) == nullptr;
    });
}

// Whether some tunnel is where packets to the address would go.
bool is_in_a_tunnel(const Config& config, const IpAddress& address) {
    for (const Tunnel& tunnel : config.tunnels) {
        for (const Peer& peer : tunnel.peers) {
            for (const IpPrefix& prefix : peer.allowed_ips) {
                if (prefix.contains(address)) {
                    return true;
                }
            }
        }
    }
    return false;
}

// An outer packet cannot travel inside a tunnel (W6).
void check_endpoints(Findings& findings, const Tunnel& tunnel) {
    const Config& config = findings.config();
    for (std::size_t index = 0; index < tunnel.peers.size(); ++index) {
        const auto& endpoint = tunnel.peers[index].endpoint;
        if (endpoint && !endpoint->address.is_none() &&
            !has_underlay_route(config, endpoint->address) &&
            is_in_a_tunnel(config, endpoint->address)) {
            findings.error(peer_path(tunnel, index) + ".endpoint",
                           "endpoint " + to_string(endpoint->address) + " of peer " +
                               label_of(tunnel.peers[index]) +
                               " is reachable only through a tunnel");
        }
    }
}

void check_size(Findings& findings, const Tunnel& tunnel) {
    const std::string path = path_of(tunnel);
    std::size_t prefixes = 0;
    for (const Peer& peer : tunnel.peers) {
        prefixes += peer.allowed_ips.size();
    }
    if (tunnel.peers.size() > kPeersMax) {
        findings.error(path + ".peers", path + " has more than 65536 peers");
    }
    if (prefixes > kAllowedIpsMax) {
        findings.error(path + ".peers", path + " has more than 262144 allowed IPs");
    }
    if (tunnel.advertise && tunnel.advertise->routes.size() > kTunnelPrefixListMax) {
        findings.error(path + ".advertise.routes", path + ".advertise.routes lists more than 256");
    }
}

// That there is an address for peers to be translated to. It is in no pool: those of connected
// networks other than outside are refused (BAD-CFG-01).
void check_source_nat(Findings& findings, const Tunnel& tunnel) {
    const std::string path = path_of(tunnel) + ".source-nat";
    for (std::size_t index = 0; index < tunnel.source_nat.except.size(); ++index) {
        if (tunnel.source_nat.except[index].family() == IpFamily::ipv6) {
            findings.error(element(path + ".except", index),
                           to_string(tunnel.source_nat.except[index]) +
                               ": IPv6 is never translated, so there is nothing to except");
        }
    }
    if (tunnel.source_nat.except.size() > kTunnelPrefixListMax) {
        findings.error(path + ".except", path + ".except lists more than 256");
    }
    const Config& config = findings.config();
    const bool has_address =
        std::any_of(config.interfaces.begin(), config.interfaces.end(), [&](const auto& interface) {
            return !is_outside(config, interface.name) && !interface.addresses.empty();
        });
    if (tunnel.source_nat.is_used() && !has_address) {
        findings.error(path, path +
                                 " needs an interface with an IPv4 address that is not "
                                 "nat.outside");
    }
}

// decisions.md W13: what nothing tracks would pass a filter that the operator relies on.
void check_stateful(Findings& findings, const Tunnel& tunnel) {
    const auto is_ipv6 = [](const IpPrefix& prefix) { return prefix.family() == IpFamily::ipv6; };
    bool has_ipv6 = std::any_of(tunnel.addresses.begin(), tunnel.addresses.end(),
                                [&](const TunnelAddress& own) { return is_ipv6(own.prefix); });
    for (const Peer& peer : tunnel.peers) {
        has_ipv6 =
            has_ipv6 || std::any_of(peer.allowed_ips.begin(), peer.allowed_ips.end(), is_ipv6);
    }
    if (tunnel.advertise) {
        const auto& routes = tunnel.advertise->routes;
        has_ipv6 = has_ipv6 || std::any_of(routes.begin(), routes.end(), is_ipv6);
    }
    if (tunnel.is_stateful && has_ipv6) {
        const std::string path = path_of(tunnel) + ".stateful";
        findings.error(path, path + " tracks IPv4 only, and " + tunnel.name +
                                 " has IPv6: take IPv6 out of its addresses, allowed IPs and "
                                 "advertised routes, or leave stateful out");
    }
}

}  // namespace

void check_tunnels(Findings& findings) {
    const auto& tunnels = findings.config().tunnels;
    if (tunnels.size() > kTunnelsMax) {
        findings.error("wireguard", "wireguard lists more than 16 interfaces");
        return;
    }
    const HeldNetworks held{findings.config()};
    for (std::size_t index = 0; index < tunnels.size(); ++index) {
        check_name(findings, tunnels[index]);
        check_sources(findings, tunnels[index]);
        check_port(findings, index);
        check_addresses(findings, index);
        check_size(findings, tunnels[index]);
        check_peers(findings, tunnels[index]);
        check_endpoints(findings, tunnels[index]);
        check_source_nat(findings, tunnels[index]);
        check_stateful(findings, tunnels[index]);
        check_tunnel_routes(findings, held, tunnels[index]);
    }
}

}  // namespace towpath::config
