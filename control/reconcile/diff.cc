// SPDX-License-Identifier: BSD-3-Clause
#include "control/reconcile/diff.h"

#include <algorithm>
#include <string_view>

#include "dataplane/contract/framing.h"

namespace towpath::control {
namespace {

using namespace contract;

template <class M>
Datagram datagram_of(const M& message) {
    const auto bytes = bytes_of(message);
    return {bytes.begin(), bytes.end()};
}

// A whole list, in as many parts as it needs; an empty one is one empty part.
template <class Chunk>
void state_list(const std::vector<typename Chunk::Entry>& list, std::vector<Datagram>& out) {
    std::size_t offset = 0;
    do {
        Chunk chunk;
        const std::size_t count = std::min(chunk.entries.size(), list.size() - offset);
        chunk.part.total = static_cast<std::uint32_t>(list.size());
        chunk.part.offset = static_cast<std::uint32_t>(offset);
        chunk.part.count = static_cast<std::uint32_t>(count);
        std::copy_n(list.begin() + static_cast<std::ptrdiff_t>(offset), count,
                    chunk.entries.begin());
        out.push_back(datagram_of(chunk));
        offset += count;
    } while (offset < list.size());
}

bool has_same_filtering(const NatSet& left, const NatSet& right) noexcept {
    return left.udp_filtering == right.udp_filtering && left.tcp_filtering == right.tcp_filtering &&
           left.icmp_filtering == right.icmp_filtering;
}

bool has_same_timeouts(const NatSet& left, const NatSet& right) noexcept {
    return left.udp_timeout_s == right.udp_timeout_s &&
           left.udp_unreplied_timeout_s == right.udp_unreplied_timeout_s &&
           left.tcp_established_timeout_s == right.tcp_established_timeout_s &&
           left.tcp_open_timeout_s == right.tcp_open_timeout_s &&
           left.tcp_close_timeout_s == right.tcp_close_timeout_s &&
           left.icmp_timeout_s == right.icmp_timeout_s && left.port_hold_s == right.port_hold_s;
}

bool has_same_options(const NatSet& left, const NatSet& right) noexcept {
    return left.hairpin == right.hairpin && left.clamp_mss == right.clamp_mss &&
           left.udp_inbound_refresh == right.udp_inbound_refresh &&
           left.rewrite_identification == right.rewrite_identification &&
           left.exhaustion_icmp == right.exhaustion_icmp && left.reject_syns == right.reject_syns;
}

// Whether the routes into tunnels are the same, or all others are.
bool has_same_routes(const World& applied, const World& desired, const StartSettings& running,
                     bool is_into_tunnels) {
    const auto chosen = [&](auto routes) {
        std::erase_if(routes, [&](const auto& route) {
            return (route.interface >= running.port_count) != is_into_tunnels;
        });
        return routes;
    };
    return chosen(applied.routes) == chosen(desired.routes) &&
           chosen(applied.ipv6_routes) == chosen(desired.ipv6_routes);
}

const PortStart* find_port(const StartSettings& start, std::string_view name) noexcept {
    const auto* const end = start.ports.begin() + start.port_count;
    const auto* const found = std::find_if(start.ports.begin(), end, [name](const PortStart& port) {
        return port.name.view() == name;
    });
    return found == end ? nullptr : found;
}

void port_differences(const PortStart& running, const PortStart& desired,
                      std::vector<std::string>& out) {
    const std::string prefix = "interfaces." + running.name.str() + ".";
    const auto note = [&](bool is_same, std::string_view what) {
        if (!is_same) {
            out.push_back(prefix + std::string{what});
        }
    };
    note(running.driver == desired.driver, "driver");
    note(running.match_kind == desired.match_kind && running.match == desired.match, "match");
    note(running.mtu_bytes == desired.mtu_bytes, "mtu");
    note(running.receive_queues == desired.receive_queues &&
             running.transmit_queues == desired.transmit_queues,
         "queues");
    note(running.adopts_address == desired.adopts_address, "adopt-address");
    note(running.socket == desired.socket && running.memif_id == desired.memif_id &&
             running.memif_role == desired.memif_role,
         "memif");
    note(running.receive == desired.receive && running.transmit == desired.transmit, "pcap");
    note(running.kernel_traffic_count == desired.kernel_traffic_count &&
             running.kernel_traffic == desired.kernel_traffic,
         "kernel-traffic");
}

// Room that is larger than needed is no difference.
void tunnel_differences(const StartSettings& running, const StartSettings& desired,
                        std::vector<std::string>& out) {
    const auto has_tunnel = [](const StartSettings& start, const TunnelStart& wanted) {
        const auto* const end = start.tunnels.begin() + start.tunnel_count;
        return std::find(start.tunnels.begin(), end, wanted) != end;
    };
    for (std::size_t i = 0; i < desired.tunnel_count; ++i) {
        if (!has_tunnel(running, desired.tunnels[i])) {
            out.push_back("wireguard." + desired.tunnels[i].name.str());
        }
    }
    if (desired.tunnel_count != 0 && running.tunnel_count != 0 &&
        (desired.peers > running.peers || desired.tunnel_prefixes > running.tunnel_prefixes)) {
        out.emplace_back("wireguard (room for peers)");
    }
}

}  // namespace

std::vector<Datagram> state_messages(const std::optional<World>& applied, const World& desired,
                                     const StartSettings& running) {
    std::vector<Datagram> messages;
    const std::size_t interface_count = std::size_t{running.port_count} + running.tunnel_count;
    for (std::size_t id = 0; id < interface_count; ++id) {
        if (!applied || applied->interfaces[id] != desired.interfaces[id]) {
            messages.push_back(datagram_of(desired.interfaces[id]));
        }
    }
    if (!applied || applied->routes != desired.routes) {
        state_list<RouteChunk>(desired.routes, messages);
    }
    if (!applied || applied->ipv6_routes != desired.ipv6_routes) {
        state_list<Ipv6RouteChunk>(desired.ipv6_routes, messages);
    }
    if (!applied || applied->nat != desired.nat) {
        messages.push_back(datagram_of(desired.nat));
    }
    if (!applied || applied->sources != desired.sources) {
        state_list<SourceChunk>(desired.sources, messages);
    }
    if (!applied || applied->pool != desired.pool) {
        state_list<PoolChunk>(desired.pool, messages);
    }
    if (!applied || applied->allow != desired.allow) {
        state_list<AllowChunk>(desired.allow, messages);
    }
    for (std::size_t position = 0; position < running.tunnel_count; ++position) {
        if (!applied || applied->tunnels[position] != desired.tunnels[position]) {
            messages.push_back(datagram_of(desired.tunnels[position]));
        }
    }
    if (!applied || applied->advertised != desired.advertised) {
        state_list<AdvertiseChunk>(desired.advertised, messages);
    }
    return messages;
}

std::vector<std::string> live_differences(const World& applied, const World& desired,
                                          const StartSettings& running) {
    std::vector<std::string> names;
    const auto note = [&names](bool is_same, std::string name) {
        if (!is_same) {
            names.push_back(std::move(name));
        }
    };
    for (std::size_t id = 0; id < running.port_count; ++id) {
        note(applied.interfaces[id] == desired.interfaces[id],
             "interfaces." + running.ports[id].name.str());
    }
    note(has_same_routes(applied, desired, running, false), "routes.static");
    note(has_same_routes(applied, desired, running, true), "routes of allowed IPs");
    note(applied.nat.is_enabled == desired.nat.is_enabled, "nat");
    note(has_same_filtering(applied.nat, desired.nat), "nat.filtering");
    note(has_same_timeouts(applied.nat, desired.nat), "nat.timeouts");
    note(has_same_options(applied.nat, desired.nat), "nat.options");
    note(applied.nat.ports == desired.nat.ports, "nat.ports");
    note(applied.nat.reserved_range_count == desired.nat.reserved_range_count &&
             applied.nat.reserved_ranges == desired.nat.reserved_ranges,
         "nat.reserve-ports");
    note(applied.sources == desired.sources, "nat.source");
    note(applied.pool == desired.pool, "nat.pool");
    note(applied.allow == desired.allow, "local.allow");
    note(applied.advertised == desired.advertised,
         "wireguard (advertised routes, exceptions from source-nat)");
    for (std::size_t position = 0; position < running.tunnel_count; ++position) {
        const std::size_t id = running.port_count + position;
        note(applied.tunnels[position] == desired.tunnels[position] &&
                 applied.interfaces[id] == desired.interfaces[id],
             "wireguard." + running.tunnels[position].name.str());
    }
    return names;
}

std::vector<std::string> restart_differences(const StartSettings& running,
                                             const StartSettings& desired) {
    std::vector<std::string> names;
    const auto note = [&names](bool is_same, std::string name) {
        if (!is_same) {
            names.push_back(std::move(name));
        }
    };
    note(running.instance == desired.instance, "instance");
    note(running.core_choice == desired.core_choice && running.cores == desired.cores,
         "dataplane.cores");
    note(running.hugepages == desired.hugepages && running.memory_bytes == desired.memory_bytes,
         "dataplane.hugepages");
    note(running.idle == desired.idle, "dataplane.idle");
    note(running.buffers == desired.buffers, "dataplane.buffers");
    note(running.mappings == desired.mappings, "nat.limits.mappings");
    note(running.sessions == desired.sessions, "nat.limits.sessions");
    note(running.pool_addresses == desired.pool_addresses, "nat.limits.pool-addresses");
    note(running.fragment_contexts == desired.fragment_contexts, "nat.limits.fragments");
    note(running.routes == desired.routes, "routes.limit");
    note(running.host_ports == desired.host_ports, "host-ports.ephemeral");
    tunnel_differences(running, desired, names);
    for (std::size_t i = 0; i < running.port_count; ++i) {
        const PortStart& port = running.ports[i];
        if (const PortStart* const other = find_port(desired, port.name.view())) {
            port_differences(port, *other, names);
        } else {
            names.push_back("interfaces." + port.name.str() + " (its port stays open)");
        }
    }
    for (std::size_t i = 0; i < desired.port_count; ++i) {
        if (find_port(running, desired.ports[i].name.view()) == nullptr) {
            names.push_back("interfaces." + desired.ports[i].name.str());
        }
    }
    return names;
}

}  // namespace towpath::control
