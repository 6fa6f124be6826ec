// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/generation_builder.h"

#include <algorithm>
#include <iterator>
#include <vector>

namespace towpath::engine {
namespace {

InterfaceRole role_of(contract::Role role) {
    switch (role) {
        case contract::Role::inside:
            return InterfaceRole::inside;
        case contract::Role::outside:
            return InterfaceRole::outside;
        case contract::Role::neutral:
        case contract::Role::count:
            break;
    }
    return InterfaceRole::neutral;
}

nat::Filtering filtering_of(contract::Filtering filtering) {
    switch (filtering) {
        case contract::Filtering::address_dependent:
            return nat::Filtering::address_dependent;
        case contract::Filtering::address_and_port_dependent:
            return nat::Filtering::address_and_port_dependent;
        case contract::Filtering::endpoint_independent:
        case contract::Filtering::count:
            break;
    }
    return nat::Filtering::endpoint_independent;
}

nat::ExhaustionIcmp exhaustion_of(contract::ExhaustionIcmp answer) {
    switch (answer) {
        case contract::ExhaustionIcmp::admin_prohibited:
            return nat::ExhaustionIcmp::admin_prohibited;
        case contract::ExhaustionIcmp::silent:
            return nat::ExhaustionIcmp::silent;
        case contract::ExhaustionIcmp::host_unreachable:
        case contract::ExhaustionIcmp::count:
            break;
    }
    return nat::ExhaustionIcmp::host_unreachable;
}

Interface interface_of(const contract::InterfaceSet& set, const DeviceFacts& device) {
    Interface interface;
    interface.id = InterfaceId{set.id};
    interface.role = role_of(set.role);
    interface.mac = device.mac;
    interface.mtu_bytes = std::min(set.mtu_bytes, device.mtu_bytes);
    interface.is_up = device.is_up;
    interface.is_tunnel = device.is_tunnel;
    interface.has_host = device.has_host;
    interface.address_count = set.address_count;
    for (std::size_t index = 0; index < set.address_count; ++index) {
        interface.address_storage[index] = {set.addresses[index].address,
                                            set.addresses[index].prefix()};
    }
    interface.ipv6_address_count = set.ipv6_address_count;
    for (std::size_t index = 0; index < set.ipv6_address_count; ++index) {
        interface.ipv6_storage[index] = {set.ipv6_addresses[index].address,
                                         set.ipv6_addresses[index].prefix()};
    }
    // What peers send through a tunnel needs no address of ours there, and no link.
    interface.has_ipv6 = interface.is_tunnel || set.ipv6_address_count > 0;
    if (interface.has_ipv6 && !interface.is_tunnel) {
        interface.link_local = link_local_of(device.mac);
    }
    return interface;
}

route::RouteEntry route_of(const contract::RouteField& field) {
    route::RouteEntry entry;
    entry.prefix = field.to.prefix();
    switch (field.kind) {
        case contract::RouteKind::via:
            entry.route = {route::RouteKind::via, InterfaceId{field.interface}, field.via};
            break;
        case contract::RouteKind::connected:
            entry.route = {route::RouteKind::connected, InterfaceId{field.interface}, {}};
            break;
        case contract::RouteKind::unreachable:
        case contract::RouteKind::count:
            break;
    }
    return entry;
}

// Connected networks come from addresses; control need not repeat them.
std::vector<route::RouteEntry> routes_of(const contract::World& world,
                                         const InterfaceTable& interfaces) {
    std::vector<route::RouteEntry> entries;
    entries.reserve(world.routes.size() + interfaces.count);
    for (const Interface& interface : interfaces.all()) {
        for (const InterfaceAddress& address : interface.addresses()) {
            entries.push_back({address.prefix, {route::RouteKind::connected, interface.id, {}}});
        }
    }
    for (const contract::RouteField& field : world.routes) {
        entries.push_back(route_of(field));
    }
    return entries;
}

route::RouteKind kind_of(contract::RouteKind kind) {
    switch (kind) {
        case contract::RouteKind::via:
            return route::RouteKind::via;
        case contract::RouteKind::connected:
            return route::RouteKind::connected;
        case contract::RouteKind::unreachable:
        case contract::RouteKind::count:
            break;
    }
    return route::RouteKind::unreachable;
}

// Connected networks and own addresses, then what control states.
std::vector<ipv6::RouteEntry> ipv6_routes_of(const contract::World& world,
                                             const InterfaceTable& interfaces) {
    std::vector<ipv6::RouteEntry> entries;
    for (const Interface& interface : interfaces.all()) {
        for (const Ipv6InterfaceAddress& own : interface.ipv6_addresses()) {
            entries.push_back({own.prefix, {route::RouteKind::connected, interface.id, {}}});
        }
    }
    for (const contract::Ipv6RouteField& field : world.ipv6_routes) {
        const route::RouteKind kind = kind_of(field.kind);
        const bool is_reachable = kind != route::RouteKind::unreachable;
        entries.push_back(
            {field.to.prefix(),
             {kind, is_reachable ? InterfaceId{field.interface} : kNoInterface, field.via}});
    }
    // Last, so that no route leads away from the box itself.
    for (const Interface& interface : interfaces.all()) {
        for (const Ipv6InterfaceAddress& own : interface.ipv6_addresses()) {
            entries.push_back(
                {Ipv6Prefix{own.address, 128}, {route::RouteKind::local, interface.id, {}}});
        }
    }
    return entries;
}

// decisions.md W6: peers never swallow the way to their own endpoints.
Outcome<void> build_ipv6_routes(const contract::World& world, pipeline::Generation& generation) {
    const InterfaceTable& interfaces = generation.interfaces;
    std::vector<ipv6::RouteEntry> entries = ipv6_routes_of(world, interfaces);
    auto routes = ipv6::RouteTable::build(entries);
    std::erase_if(entries, [&interfaces](const ipv6::RouteEntry& entry) {
        return entry.route.interface != kNoInterface && interfaces[entry.route.interface].is_tunnel;
    });
    auto underlay = ipv6::RouteTable::build(entries);
    if (!routes || !underlay) {
        return tl::unexpected{routes ? underlay.error() : routes.error()};
    }
    generation.ipv6_routes = std::move(*routes);
    generation.ipv6_underlay = std::move(*underlay);
    return {};
}

// W6: without routes into tunnels, so that a peer whose allowed IPs are everything does not swallow
// the way to its own endpoint. Empty when there is no tunnel to be below of.
Outcome<route::RouteTable> underlay_of(const InterfaceTable& interfaces,
                                       const contract::World& world) {
    const auto all = interfaces.all();
    if (std::none_of(all.begin(), all.end(), [](const auto& one) { return one.is_tunnel; })) {
        return route::RouteTable{};
    }
    std::vector<route::RouteEntry> entries = routes_of(world, interfaces);
    std::erase_if(entries, [&interfaces](const route::RouteEntry& entry) {
        return entry.route.interface != kNoInterface && interfaces[entry.route.interface].is_tunnel;
    });
    return route::RouteTable::build(entries);
}

wireguard::TunnelTable tunnels_of(const GenerationRequest& request) {
    wireguard::TunnelTable tunnels;
    for (const contract::TunnelSet& set : request.world.tunnels) {
        if (set.listen_port == 0 || request.allowed_ips[set.id] == nullptr) {
            continue;
        }
        wireguard::Tunnel& tunnel = tunnels.storage[set.id];
        tunnel.allowed_ips = request.allowed_ips[set.id];
        tunnel.listen_port = Port{set.listen_port};
        tunnel.has_identity = set.has_identity != 0;
        tunnel.mac1_key = set.mac1_key;
    }
    return tunnels;
}

nat::Policy policy_of(const contract::World& world) {
    using std::chrono::seconds;
    const contract::NatSet& set = world.nat;
    nat::Policy policy;
    policy.is_enabled = set.is_enabled != 0;
    policy.hairpin = set.hairpin != 0;
    policy.clamp_mss = set.clamp_mss != 0;
    policy.udp_inbound_refresh = set.udp_inbound_refresh != 0;
    policy.rewrite_identification = set.rewrite_identification != 0;
    policy.udp_filtering = filtering_of(set.udp_filtering);
    policy.tcp_filtering = filtering_of(set.tcp_filtering);
    policy.icmp_filtering = filtering_of(set.icmp_filtering);
    policy.reject_syns = set.reject_syns != 0;
    policy.exhaustion_icmp = exhaustion_of(set.exhaustion_icmp);
    policy.timeouts = {.udp = seconds{set.udp_timeout_s},
                       .udp_unreplied = seconds{set.udp_unreplied_timeout_s},
                       .tcp_established = seconds{set.tcp_established_timeout_s},
                       .tcp_open = seconds{set.tcp_open_timeout_s},
                       .tcp_close = seconds{set.tcp_close_timeout_s},
                       .icmp = seconds{set.icmp_timeout_s},
                       .port_hold = seconds{set.port_hold_s}};
    policy.port_first = set.ports.first;
    policy.port_last = set.ports.last;
    for (std::size_t range = 0; range < set.reserved_range_count; ++range) {
        for (std::uint32_t port = set.reserved_ranges[range].first;
             port <= set.reserved_ranges[range].last; ++port) {
            policy.reserved_ports.set(port);
        }
    }
    // Whatever the ranges say (decisions.md W9): no mapping comes between a tunnel and its peers.
    for (const contract::TunnelSet& tunnel : world.tunnels) {
        if (tunnel.listen_port != 0) {
            policy.reserved_ports.set(tunnel.listen_port);
        }
    }
    for (const contract::PrefixField& source : world.sources) {
        policy.sources.push_back(source.prefix());
    }
    policy.pool = world.pool;
    return policy;
}

nat::TunnelFlows flows_of(const contract::World& world, const contract::TunnelSet& tunnel) {
    std::vector<Ipv4Prefix> exceptions;
    for (const contract::AdvertisedField& field : world.advertised) {
        const IpPrefix prefix = field.prefix.prefix();
        if (field.use == contract::AdvertisedUse::translation_exception &&
            field.tunnel == tunnel.id && prefix.family() == IpFamily::ipv4) {
            exceptions.emplace_back(prefix.address().ipv4(), prefix.length());
        }
    }
    return {tunnel.is_translated != 0, tunnel.is_stateful != 0, PrefixSet{exceptions}};
}

// Of a world with tunnels in use, by interface id.
std::array<nat::TunnelFlows, kInterfacesMax> tunnel_flows_of(const contract::World& world) {
    std::array<nat::TunnelFlows, kInterfacesMax> flows;
    for (const contract::TunnelSet& tunnel : world.tunnels) {
        if (tunnel.listen_port != 0) {
            flows[tunnel.id] = flows_of(world, tunnel);
        }
    }
    return flows;
}

bool translates_peers(const contract::World& world) {
    const auto flows = tunnel_flows_of(world);
    return std::any_of(flows.begin(), flows.end(), [](const nat::TunnelFlows& of_one) {
        return of_one.is_translated || !of_one.exceptions.empty();
    });
}

void set_tunnel_flows(const contract::World& world, const InterfaceTable& interfaces,
                      nat::Policy& policy) {
    const auto all = interfaces.all();
    const auto ports =
        std::count_if(all.begin(), all.end(), [](const Interface& one) { return !one.is_tunnel; });
    policy.tunnel_flows = tunnel_flows_of(world);
    policy.has_tunnel_flows =
        translates_peers(world) ||
        std::any_of(policy.tunnel_flows.begin(), policy.tunnel_flows.end(),
                    [](const nat::TunnelFlows& flows) { return flows.is_stateful; });
    policy.realm_addresses = realm_addresses_of(world, static_cast<std::size_t>(ports));
}

std::vector<route::TunnelLimit> tunnel_limits_of(const contract::World& world) {
    std::vector<route::TunnelLimit> limits;
    for (const contract::TunnelSet& tunnel : world.tunnels) {
        if (tunnel.is_limited == 0) {
            continue;
        }
        route::TunnelLimit limit{InterfaceId{tunnel.id}, {}, tunnel.is_exit_node != 0};
        for (const contract::AdvertisedField& field : world.advertised) {
            if (field.tunnel == tunnel.id && field.use == contract::AdvertisedUse::reached) {
                limit.prefixes.push_back(field.prefix.prefix());
            }
        }
        limits.push_back(std::move(limit));
    }
    return limits;
}

route::LocalSettings local_of(const GenerationRequest& request, const nat::Policy& nat) {
    route::LocalSettings settings;
    for (const contract::AllowField& field : request.world.allow) {
        route::LocalRule rule;
        if (field.interface != contract::kAnyInterface) {
            rule.interface = InterfaceId{field.interface};
        }
        rule.from = field.prefix.prefix();
        rule.ip_protocol = field.protocol;
        rule.port_first = field.ports.first;
        rule.port_last = field.ports.last;
        settings.allow.push_back(rule);
    }
    settings.inside_sources = nat.sources;
    settings.pool = nat.pool;
    std::copy_if(nat.realm_addresses.begin(), nat.realm_addresses.end(),
                 std::back_inserter(settings.realm_addresses),
                 [](Ipv4Address address) { return !address.is_unspecified(); });
    settings.reserved_ports = nat.reserved_ports;
    settings.host_port_first = request.host_ports.first;
    settings.host_port_last = request.host_ports.last;
    settings.tunnel_limits = tunnel_limits_of(request.world);
    for (const contract::TunnelSet& tunnel : request.world.tunnels) {
        if (tunnel.listen_port != 0) {
            settings.tunnel_ports.emplace_back(tunnel.listen_port);
        }
    }
    return settings;
}

}  // namespace

nat::RealmAddresses realm_addresses_of(const contract::World& world, std::size_t ports) {
    nat::RealmAddresses addresses{};
    if (!translates_peers(world)) {
        return addresses;
    }
    for (std::size_t id = 0; id < ports; ++id) {
        const contract::InterfaceSet& interface = world.interfaces[id];
        if (interface.address_count == 0 || interface.role == contract::Role::outside) {
            continue;
        }
        const Ipv4Address own = interface.addresses.front().address;
        if (std::find(world.pool.begin(), world.pool.end(), own) == world.pool.end()) {
            addresses[id] = own;
        }
    }
    return addresses;
}

Outcome<std::unique_ptr<pipeline::Generation>> build_generation(const GenerationRequest& request) {
    auto generation = std::make_unique<pipeline::Generation>();
    generation->number = request.number;
    generation->interfaces.count = request.interface_count;
    for (std::size_t id = 0; id < request.interface_count; ++id) {
        generation->interfaces.storage[id] =
            interface_of(request.world.interfaces[id], request.devices[id]);
    }
    auto routes = route::RouteTable::build(routes_of(request.world, generation->interfaces));
    if (!routes) {
        return tl::unexpected{routes.error()};
    }
    generation->routes = std::move(*routes);
    if (auto built = build_ipv6_routes(request.world, *generation); !built) {
        return tl::unexpected{built.error()};
    }
    auto underlay = underlay_of(generation->interfaces, request.world);
    if (!underlay) {
        return tl::unexpected{underlay.error()};
    }
    generation->underlay = std::move(*underlay);
    generation->tunnels = tunnels_of(request);
    generation->nat = policy_of(request.world);
    set_tunnel_flows(request.world, generation->interfaces, generation->nat);
    generation->local =
        route::LocalPolicy{local_of(request, generation->nat), generation->interfaces};
    return generation;
}

}  // namespace towpath::engine
