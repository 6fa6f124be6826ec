// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/server/apply.h"

#include <algorithm>
#include <string>
#include <vector>

#include "dataplane/wire/ip_address.h"

namespace towpath::server {
namespace {

Outcome<void> refuse(std::string sentence) {
    return fail(ExitCode::failed, std::move(sentence));
}

std::string interface_name(const contract::StartSettings& start, std::uint8_t id) {
    if (id < start.port_count) {
        return start.ports[id].name.str();
    }
    const auto position = static_cast<std::size_t>(id - start.port_count);
    return position < start.tunnel_count ? start.tunnels[position].name.str()
                                         : "number " + std::to_string(id);
}

bool is_interface(const contract::StartSettings& start, std::uint8_t id) noexcept {
    return id < start.port_count + start.tunnel_count;
}

Outcome<void> check_tunnel(const contract::StartSettings& start, std::uint8_t id) {
    if (id < start.port_count || !is_interface(start, id)) {
        return refuse("interface " + interface_name(start, id) + " is no tunnel");
    }
    return {};
}

// One chunk onto its list. Offset 0 begins anew; anything else must continue.
template <class Chunk>
Outcome<void> take_chunk(std::vector<typename Chunk::Entry>& list, ListProgress& progress,
                         const Chunk& chunk, const char* what) {
    const contract::ListPart& part = chunk.part;
    if (part.offset != 0 && (part.offset != progress.next || part.total != progress.total)) {
        return refuse(std::string{"a part of the list of "} + what + " is missing before entry " +
                      std::to_string(part.offset));
    }
    if (part.offset == 0) {
        list.clear();
        list.reserve(part.total);
    }
    list.insert(list.end(), chunk.entries.begin(), chunk.entries.begin() + part.count);
    progress = {part.total, part.offset + part.count};
    return {};
}

// Of a list of either family: that there is room, and that interfaces exist.
template <class Chunk>
Outcome<void> check_routes(const contract::StartSettings& start, const Chunk& chunk) {
    const std::uint32_t most = start.routes == 0 ? contract::kRoutesMax : start.routes;
    if (chunk.part.total > most) {
        return refuse(std::to_string(chunk.part.total) + " routes are more than the " +
                      std::to_string(most) + " there is room for");
    }
    for (std::size_t i = 0; i < chunk.part.count; ++i) {
        const auto& route = chunk.entries[i];
        if (route.kind != contract::RouteKind::unreachable &&
            !is_interface(start, route.interface)) {
            return refuse("route " + to_string(route.to.address) + "/" +
                          std::to_string(route.to.length) + " leaves by interface " +
                          interface_name(start, route.interface) + ", which does not exist");
        }
    }
    return {};
}

}  // namespace

Construction construction_from(const contract::World& applied) {
    Construction construction;
    construction.world = applied;
    return construction;
}

Outcome<void> apply(Construction& construction, const contract::StartSettings& start,
                    const contract::InterfaceSet& message) {
    if (!is_interface(start, message.id)) {
        return refuse("there is no interface " + interface_name(start, message.id));
    }
    for (std::size_t i = 0; i < message.address_count; ++i) {
        const contract::PrefixField& field = message.addresses[i];
        if (field.address.is_unspecified() || field.address.is_multicast() || field.length == 0) {
            return refuse("interface " + interface_name(start, message.id) + " cannot carry " +
                          to_string(field.address) + "/" + std::to_string(field.length));
        }
    }
    for (std::size_t i = 0; i < message.ipv6_address_count; ++i) {
        const contract::Ipv6PrefixField& field = message.ipv6_addresses[i];
        if (is_martian(field.address) || is_multicast(field.address) ||
            is_link_local(field.address) || field.length == 0) {
            return refuse("interface " + interface_name(start, message.id) + " cannot carry " +
                          to_string(field.address) + "/" + std::to_string(field.length));
        }
    }
    contract::InterfaceSet& slot = construction.world.interfaces[message.id];
    slot = message;
    slot.header = contract::header_of<contract::InterfaceSet>();
    return {};
}

Outcome<void> apply(Construction& construction, const contract::StartSettings& start,
                    const contract::RouteChunk& message) {
    if (auto checked = check_routes(start, message); !checked) {
        return checked;
    }
    return take_chunk(construction.world.routes, construction.routes, message, "routes");
}

Outcome<void> apply(Construction& construction, const contract::StartSettings& start,
                    const contract::Ipv6RouteChunk& message) {
    if (auto checked = check_routes(start, message); !checked) {
        return checked;
    }
    return take_chunk(construction.world.ipv6_routes, construction.ipv6_routes, message,
                      "IPv6 routes");
}

Outcome<void> apply(Construction& construction, const contract::StartSettings&,
                    const contract::NatSet& message) {
    construction.world.nat = message;
    construction.world.nat.header = contract::header_of<contract::NatSet>();
    return {};
}

Outcome<void> apply(Construction& construction, const contract::StartSettings&,
                    const contract::SourceChunk& message) {
    return take_chunk(construction.world.sources, construction.sources, message, "sources");
}

Outcome<void> apply(Construction& construction, const contract::StartSettings& start,
                    const contract::PoolChunk& message) {
    if (message.part.total > start.pool_addresses) {
        return fail(ExitCode::refused, std::to_string(message.part.total) +
                                           " pool addresses are more than the " +
                                           std::to_string(start.pool_addresses) +
                                           " the data plane was started for: restart needed");
    }
    for (std::size_t i = 0; i < message.part.count; ++i) {
        if (message.entries[i].is_unspecified() || message.entries[i].is_multicast()) {
            return refuse(to_string(message.entries[i]) + " cannot be a pool address");
        }
    }
    return take_chunk(construction.world.pool, construction.pool, message, "pool addresses");
}

Outcome<void> apply(Construction& construction, const contract::StartSettings& start,
                    const contract::AllowChunk& message) {
    for (std::size_t i = 0; i < message.part.count; ++i) {
        const std::uint8_t interface = message.entries[i].interface;
        if (interface != contract::kAnyInterface && !is_interface(start, interface)) {
            return refuse("local.allow names interface " + interface_name(start, interface) +
                          ", which does not exist");
        }
    }
    return take_chunk(construction.world.allow, construction.allow, message, "local rules");
}

Outcome<void> apply(Construction& construction, const contract::StartSettings& start,
                    const contract::TunnelSet& message) {
    if (auto checked = check_tunnel(start, message.id); !checked) {
        return checked;
    }
    contract::TunnelSet& slot =
        construction.world.tunnels[static_cast<std::size_t>(message.id - start.port_count)];
    slot = message;
    slot.header = contract::header_of<contract::TunnelSet>();
    return {};
}

Outcome<void> apply(Construction& construction, const contract::StartSettings& start,
                    const contract::AdvertiseChunk& message) {
    for (std::size_t i = 0; i < message.part.count; ++i) {
        if (auto checked = check_tunnel(start, message.entries[i].tunnel); !checked) {
            return checked;
        }
    }
    return take_chunk(construction.world.advertised, construction.advertised, message,
                      "advertised prefixes");
}

Outcome<void> check_whole(const Construction& construction) {
    if (!construction.routes.is_complete() || !construction.ipv6_routes.is_complete() ||
        !construction.sources.is_complete() || !construction.pool.is_complete() ||
        !construction.allow.is_complete() || !construction.advertised.is_complete()) {
        return refuse("a list was not stated to its end before the commit");
    }
    const contract::World& world = construction.world;
    if (world.nat.is_enabled == 0) {
        return {};
    }
    if (world.pool.empty()) {
        return refuse("translation is enabled without a pool address");
    }
    // Two pool indexes of one address could hand out one outside endpoint twice.
    std::vector<Ipv4Address> sorted = world.pool;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end()) {
        return refuse("pool address " + to_string(*twice) + " is given twice");
    }
    const auto has_role = [&world](contract::Role role) {
        return std::any_of(world.interfaces.begin(), world.interfaces.end(),
                           [role](const auto& interface) { return interface.role == role; });
    };
    if (!has_role(contract::Role::inside) || !has_role(contract::Role::outside)) {
        return refuse("translation is enabled without an inside and an outside interface");
    }
    return {};
}

}  // namespace towpath::server
