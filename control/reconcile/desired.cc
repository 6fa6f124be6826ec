// SPDX-License-Identifier: BSD-3-Clause
#include "control/reconcile/desired.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "config/derive.h"
#include "control/reconcile/desired_tunnels.h"

namespace towpath::control {
namespace {

using contract::World;

contract::PortRangeField range_of(const config::PortRange& range) noexcept {
    return {range.first, range.last};
}

contract::Filtering filtering_of(config::Filtering filtering) noexcept {
    switch (filtering) {
        case config::Filtering::endpoint_independent:
            return contract::Filtering::endpoint_independent;
        case config::Filtering::address_dependent:
            return contract::Filtering::address_dependent;
        case config::Filtering::address_and_port_dependent:
            break;
    }
    return contract::Filtering::address_and_port_dependent;
}

contract::ExhaustionIcmp exhaustion_of(config::ExhaustionIcmp answer) noexcept {
    switch (answer) {
        case config::ExhaustionIcmp::host_unreachable:
            return contract::ExhaustionIcmp::host_unreachable;
        case config::ExhaustionIcmp::admin_prohibited:
            return contract::ExhaustionIcmp::admin_prohibited;
        case config::ExhaustionIcmp::silent:
            break;
    }
    return contract::ExhaustionIcmp::silent;
}

contract::PortDriver driver_of(config::Driver driver) noexcept {
    switch (driver) {
        case config::Driver::automatic:
            return contract::PortDriver::automatic;
        case config::Driver::pci:
            return contract::PortDriver::pci;
        case config::Driver::af_xdp:
            return contract::PortDriver::af_xdp;
        case config::Driver::af_packet:
            return contract::PortDriver::af_packet;
        case config::Driver::memif:
            return contract::PortDriver::memif;
        case config::Driver::tap:
            return contract::PortDriver::tap;
        case config::Driver::pcap:
            break;
    }
    return contract::PortDriver::pcap;
}

void set_match(contract::PortStart& port, const config::Match& match) {
    if (!match.name.empty()) {
        port.match_kind = contract::PortMatch::kernel_name;
        port.match.set(match.name);
    } else if (!match.pci.empty()) {
        port.match_kind = contract::PortMatch::pci_address;
        port.match.set(match.pci);
    } else if (match.mac) {
        port.match_kind = contract::PortMatch::mac;
        port.match.set(to_string(*match.mac));
    }
}

contract::PortStart port_of(const config::Interface& interface) {
    contract::PortStart port;
    port.name.set(interface.name);
    set_match(port, interface.match);
    port.driver = driver_of(interface.driver);
    port.socket.set(interface.memif.socket);
    port.memif_id = interface.memif.id;
    port.memif_role = interface.memif.role == config::Memif::Role::server
                          ? contract::MemifRole::server
                          : contract::MemifRole::client;
    port.receive.set(interface.pcap.receive);
    port.transmit.set(interface.pcap.transmit);
    port.mtu_bytes = interface.mtu_bytes;
    port.receive_queues = interface.queues;
    port.adopts_address = interface.adopt_address ? 1 : 0;
    const std::size_t count =
        std::min(interface.kernel_traffic.size(), contract::kKernelTrafficMax);
    for (std::size_t i = 0; i < count; ++i) {
        const config::KernelTraffic& traffic = interface.kernel_traffic[i];
        port.kernel_traffic[i] = {
            range_of(traffic.ports), static_cast<std::uint8_t>(traffic.protocol), {}};
    }
    port.kernel_traffic_count = static_cast<std::uint8_t>(count);
    return port;
}

contract::InterfaceSet interface_of(const config::Config& config,
                                    const config::Interface& interface, std::uint8_t id,
                                    std::uint16_t mtu_bytes) {
    contract::InterfaceSet set;
    set.id = id;
    set.mtu_bytes = mtu_bytes;
    if (config::is_inside(config, interface.name)) {
        set.role = contract::Role::inside;
    } else if (config::is_outside(config, interface.name)) {
        set.role = contract::Role::outside;
    }
    const std::size_t count =
        std::min(interface.addresses.size(), contract::kInterfaceAddressesMax);
    for (std::size_t i = 0; i < count; ++i) {
        const config::InterfaceAddress& address = interface.addresses[i];
        set.addresses[i] = {address.address, address.prefix.length(), {}};
    }
    set.address_count = static_cast<std::uint8_t>(count);
    const std::size_t ipv6_count =
        std::min(interface.ipv6_addresses.size(), contract::kInterfaceIpv6AddressesMax);
    for (std::size_t i = 0; i < ipv6_count; ++i) {
        const config::Ipv6InterfaceAddress& own = interface.ipv6_addresses[i];
        set.ipv6_addresses[i] = {own.address, own.prefix.length(), {}};
    }
    set.ipv6_address_count = static_cast<std::uint8_t>(ipv6_count);
    return set;
}

std::uint32_t seconds_of(std::chrono::seconds duration) noexcept {
    return static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(duration.count(), 0, std::numeric_limits<std::uint32_t>::max()));
}

contract::NatSet nat_of(const config::Config& config) {
    const config::Nat& nat = config.nat;
    contract::NatSet set;
    set.is_enabled = nat.is_enabled ? 1 : 0;
    set.hairpin = nat.hairpin ? 1 : 0;
    set.clamp_mss = nat.clamp_mss ? 1 : 0;
    set.udp_inbound_refresh = nat.udp_inbound_refresh ? 1 : 0;
    set.rewrite_identification = nat.rewrite_identification ? 1 : 0;
    set.udp_filtering = filtering_of(nat.filtering.udp);
    set.tcp_filtering = filtering_of(nat.filtering.tcp);
    set.icmp_filtering = filtering_of(nat.filtering.icmp);
    set.reject_syns = nat.reject_syns ? 1 : 0;
    set.exhaustion_icmp = exhaustion_of(nat.exhaustion_icmp);
    set.udp_timeout_s = seconds_of(nat.timeouts.udp);
    set.udp_unreplied_timeout_s = seconds_of(nat.timeouts.udp_unreplied);
    set.tcp_established_timeout_s = seconds_of(nat.timeouts.tcp_established);
    set.tcp_open_timeout_s = seconds_of(nat.timeouts.tcp_open);
    set.tcp_close_timeout_s = seconds_of(nat.timeouts.tcp_close);
    set.icmp_timeout_s = seconds_of(nat.timeouts.icmp);
    set.port_hold_s = seconds_of(nat.timeouts.port_hold);
    set.ports = range_of(nat.ports);
    const std::vector<config::PortRange> reserved = config::reserved_port_ranges(config);
    const std::size_t count = std::min(reserved.size(), contract::kReservedRangesMax);
    std::transform(reserved.begin(), reserved.begin() + static_cast<std::ptrdiff_t>(count),
                   set.reserved_ranges.begin(), range_of);
    set.reserved_range_count = static_cast<std::uint32_t>(count);
    return set;
}

// Kind and interface of a route of either family. A valid configuration has no route without an
// interface; if it had, its traffic must stop here rather than follow a shorter prefix.
template <class Field>
void set_way(Field& field, const config::Config& config, const contract::StartSettings& running,
             const config::StaticRoute& route) {
    const std::optional<std::size_t> index = config::route_interface(config, route);
    const std::optional<std::uint8_t> id =
        index ? interface_id(running, config::interface_name(config, *index)) : std::nullopt;
    field.kind = !id         ? contract::RouteKind::unreachable
                 : route.via ? contract::RouteKind::via
                             : contract::RouteKind::connected;
    field.interface = id.value_or(0);
}

void set_routes(World& world, const config::Config& config,
                const contract::StartSettings& running) {
    for (const config::StaticRoute& route : config.routes) {
        const IpAddress via = route.via.value_or(IpAddress{});
        if (route.to.family() == IpFamily::ipv4) {
            contract::RouteField& field = world.routes.emplace_back();
            field.to = contract::PrefixField::of({route.to.address().ipv4(), route.to.length()});
            field.via = via.ipv4();
            set_way(field, config, running, route);
        } else {
            contract::Ipv6RouteField& field = world.ipv6_routes.emplace_back();
            field.to =
                contract::Ipv6PrefixField::of({route.to.address().ipv6(), route.to.length()});
            field.via = via.ipv6();
            set_way(field, config, running, route);
        }
    }
}

std::vector<contract::AllowField> allow_of(const config::Config& config,
                                           const contract::StartSettings& running) {
    std::vector<contract::AllowField> rules;
    for (const config::LocalRule& rule : config.local_allow) {
        contract::AllowField field;
        field.prefix = contract::PrefixField::of(rule.prefix.value_or(Ipv4Prefix{}));
        field.ports = rule.protocol == Protocol::icmp ? contract::PortRangeField{0, 65535}
                                                      : range_of(rule.ports);
        field.protocol = static_cast<std::uint8_t>(rule.protocol);
        if (!rule.interface.empty()) {
            const std::optional<std::uint8_t> id = interface_id(running, rule.interface);
            if (!id) {
                continue;  // a rule that nobody can match
            }
            field.interface = *id;
        }
        rules.push_back(field);
    }
    return rules;
}

}  // namespace

contract::StartSettings desired_start(const config::Config& config, std::string_view instance) {
    contract::StartSettings start;
    start.instance.set(instance);
    start.core_choice = config.dataplane.cores.empty() ? contract::CoreChoice::automatic
                                                       : contract::CoreChoice::listed;
    for (const unsigned core : config.dataplane.cores) {
        if (core < contract::kCoresMax) {
            start.cores[core / 64] |= std::uint64_t{1} << core % 64;
        }
    }
    start.mappings = config.nat.limits.mappings;
    start.sessions = config.nat.limits.sessions;
    start.pool_addresses = static_cast<std::uint32_t>(
        std::max(config.nat.limits.pool_addresses, config::pool_addresses(config).size()));
    start.buffers = static_cast<std::uint32_t>(config.dataplane.buffers);
    start.host_ports = range_of(config.host_ports.ephemeral);
    start.idle = config.dataplane.idle == config::Idle::busy_poll ? contract::IdleMode::busy_poll
                                                                  : contract::IdleMode::adaptive;
    switch (config.dataplane.hugepages.mode) {
        case config::Hugepages::Mode::automatic:
            break;
        case config::Hugepages::Mode::off:
            start.hugepages = contract::HugepageMode::never;
            break;
        case config::Hugepages::Mode::size:
            start.hugepages = contract::HugepageMode::required;
            start.memory_bytes = config.dataplane.hugepages.size_bytes;
            break;
    }
    const std::size_t count = std::min(config.interfaces.size(), contract::kPortsMax);
    std::transform(config.interfaces.begin(),
                   config.interfaces.begin() + static_cast<std::ptrdiff_t>(count),
                   start.ports.begin(), port_of);
    start.port_count = static_cast<std::uint8_t>(count);
    add_tunnels(config, start);
    return start;
}

Outcome<World> desired_world(const config::Config& config, const contract::StartSettings& running) {
    World world;
    for (const config::Interface& interface : config.interfaces) {
        const std::optional<std::uint8_t> id = interface_id(running, interface.name);
        if (!id) {
            return fail(ExitCode::refused, "interface " + interface.name +
                                               " is new: the data plane must be restarted to open "
                                               "it");
        }
        world.interfaces[*id] = interface_of(config, interface, *id, running.ports[*id].mtu_bytes);
    }
    set_routes(world, config, running);
    world.nat = nat_of(config);
    if (config.nat.is_enabled) {
        for (const Ipv4Prefix prefix : config::nat_sources(config)) {
            world.sources.push_back(contract::PrefixField::of(prefix));
        }
        world.pool = config::pool_addresses(config);
    }
    if (world.pool.size() > running.pool_addresses) {
        return fail(ExitCode::refused, "nat.pool has " + std::to_string(world.pool.size()) +
                                           " addresses, the data plane was started for " +
                                           std::to_string(running.pool_addresses) +
                                           ": it must be restarted");
    }
    world.allow = allow_of(config, running);
    if (auto added = add_tunnels(config, running, world); !added) {
        return tl::unexpected{added.error()};
    }
    return world;
}

}  // namespace towpath::control
