// SPDX-License-Identifier: BSD-3-Clause
#include "control/reconcile/desired_tunnels.h"

#include <algorithm>
#include <bit>
#include <string>

#include "config/derive.h"
#include "config/tunnel_routes.h"
#include "control/wireguard/identity.h"

namespace towpath::control {
namespace {

// Room that costs little and saves restarts.
constexpr std::uint32_t kPeersMin = 1024;
constexpr std::uint32_t kPrefixesMin = 8192;
// wireguard.md section 1: over IPv6, the larger of the two overheads.
constexpr std::uint16_t kOverhead_bytes = 80;
constexpr std::uint16_t kTunnelMtuMax_bytes = 1420;

std::uint32_t room_for(std::size_t configured, std::uint32_t least, std::uint32_t most) {
    const std::size_t twice = std::bit_ceil(std::max<std::size_t>(configured, 1) * 2);
    return static_cast<std::uint32_t>(std::clamp<std::size_t>(twice, least, most));
}

contract::InterfaceSet interface_of(const config::Config& config, const config::Tunnel& tunnel,
                                    std::uint8_t id) {
    contract::InterfaceSet set;
    set.id = id;
    set.mtu_bytes = tunnel_mtu_bytes(config, tunnel);
    set.role = config::is_inside(config, tunnel.name)    ? contract::Role::inside
               : config::is_outside(config, tunnel.name) ? contract::Role::outside
                                                         : contract::Role::neutral;
    for (const config::TunnelAddress& address : tunnel.addresses) {
        if (address.address.is_ipv4() && set.address_count < set.addresses.size()) {
            set.addresses[set.address_count++] = {
                address.address.ipv4(), address.prefix.length(), {}};
        } else if (address.address.is_ipv6() &&
                   set.ipv6_address_count < set.ipv6_addresses.size()) {
            set.ipv6_addresses[set.ipv6_address_count++] = {
                address.address.ipv6(), address.prefix.length(), {}};
        }
    }
    return set;
}

contract::TunnelSet tunnel_of(const config::Tunnel& tunnel, std::uint8_t id) {
    contract::TunnelSet set;
    set.id = id;
    set.listen_port = tunnel.listen_port;
    set.has_identity = tunnel.private_key.is_zero() ? 0 : 1;
    set.is_limited = tunnel.advertise ? 1 : 0;
    set.is_exit_node = tunnel.advertise && tunnel.advertise->is_exit_node ? 1 : 0;
    set.is_translated = tunnel.source_nat.is_interface ? 1 : 0;
    set.is_stateful = tunnel.is_stateful ? 1 : 0;
    if (set.has_identity != 0) {
        const wireguard::Identity identity{crypto::PrivateKey{tunnel.private_key.bytes()}};
        set.mac1_key = identity.keys().mac1;
    }
    return set;
}

void add_advertised(const config::Tunnel& tunnel, std::uint8_t id, contract::World& world) {
    const auto add = [&](const std::vector<IpPrefix>& prefixes, contract::AdvertisedUse use) {
        for (const IpPrefix& prefix : prefixes) {
            world.advertised.push_back({contract::IpPrefixField::of(prefix), id, use, {}});
        }
    };
    if (tunnel.advertise) {
        add(tunnel.advertise->routes, contract::AdvertisedUse::reached);
    }
    add(tunnel.source_nat.except, contract::AdvertisedUse::translation_exception);
}

void add_routes(const config::HeldNetworks& held, const config::Tunnel& tunnel, std::uint8_t id,
                contract::World& world) {
    if (!tunnel.has_routes) {
        return;
    }
    for (const config::Peer& peer : tunnel.peers) {
        for (const IpPrefix& prefix : peer.allowed_ips) {
            if (!held.holder_of(prefix).empty()) {
                continue;
            }
            if (prefix.family() == IpFamily::ipv4) {
                contract::RouteField field;
                field.to = {prefix.address().ipv4(), prefix.length(), {}};
                field.kind = contract::RouteKind::connected;
                field.interface = id;
                world.routes.push_back(field);
            } else {
                contract::Ipv6RouteField field;
                field.to = {prefix.address().ipv6(), prefix.length(), {}};
                field.kind = contract::RouteKind::connected;
                field.interface = id;
                world.ipv6_routes.push_back(field);
            }
        }
    }
}

}  // namespace

std::optional<std::uint8_t> interface_id(const contract::StartSettings& running,
                                         std::string_view name) noexcept {
    for (std::uint8_t id = 0; id < running.port_count; ++id) {
        if (running.ports[id].name.view() == name) {
            return id;
        }
    }
    for (std::uint8_t position = 0; position < running.tunnel_count; ++position) {
        if (running.tunnels[position].name.view() == name) {
            return static_cast<std::uint8_t>(running.port_count + position);
        }
    }
    return std::nullopt;
}

std::uint16_t tunnel_mtu_bytes(const config::Config& config,
                               const config::Tunnel& tunnel) noexcept {
    if (tunnel.mtu_bytes != 0) {
        return tunnel.mtu_bytes;
    }
    std::uint16_t underlay_bytes = kTunnelMtuMax_bytes + kOverhead_bytes;
    for (const config::Interface& interface : config.interfaces) {
        underlay_bytes = std::min(underlay_bytes, interface.mtu_bytes);
    }
    return static_cast<std::uint16_t>(underlay_bytes - kOverhead_bytes);
}

void add_tunnels(const config::Config& config, contract::StartSettings& start) {
    std::size_t peers = 0;
    std::size_t prefixes = 0;
    for (const config::Tunnel& tunnel : config.tunnels) {
        if (start.tunnel_count == contract::kTunnelsMax) {
            break;
        }
        start.tunnels[start.tunnel_count++].name.set(tunnel.name);
        peers += tunnel.peers.size();
        for (const config::Peer& peer : tunnel.peers) {
            prefixes += peer.allowed_ips.size();
        }
    }
    if (start.tunnel_count != 0) {
        start.peers = room_for(peers, kPeersMin, contract::kPeersMax);
        start.tunnel_prefixes = room_for(prefixes, kPrefixesMin, contract::kPeerPrefixesMax * 2);
    }
}

Outcome<void> add_tunnels(const config::Config& config, const contract::StartSettings& running,
                          contract::World& world) {
    for (std::uint8_t position = 0; position < running.tunnel_count; ++position) {
        world.tunnels[position].id = static_cast<std::uint8_t>(running.port_count + position);
    }
    const config::HeldNetworks held{config};
    for (const config::Tunnel& tunnel : config.tunnels) {
        const std::optional<std::uint8_t> id = interface_id(running, tunnel.name);
        if (!id || *id < running.port_count) {
            return fail(ExitCode::refused, "tunnel " + tunnel.name +
                                               " is new: the data plane must be restarted to make "
                                               "it");
        }
        world.interfaces[*id] = interface_of(config, tunnel, *id);
        world.tunnels[static_cast<std::size_t>(*id - running.port_count)] = tunnel_of(tunnel, *id);
        add_routes(held, tunnel, *id, world);
        add_advertised(tunnel, *id, world);
    }
    return {};
}

}  // namespace towpath::control
