// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/tunnel_hosts.h"

#include <span>

namespace towpath::engine {
namespace {

// Locally administered; nobody on a wire ever sees it.
MacAddress mac_of(std::size_t id) noexcept {
    return {{0x02, 0x57, 0x47, 0, 0, static_cast<std::uint8_t>(id)}};
}

}  // namespace

TunnelHosts::TunnelHosts(const contract::StartSettings& start, dpdk::PacketPool& pool,
                         worker::PortTable& table)
    : first_id_{start.port_count}, pool_{pool}, table_{table} {
    for (std::size_t position = 0; position < start.tunnel_count; ++position) {
        tunnels_.push_back({start.tunnels[position].name.str(), {}});
    }
}

TunnelHosts::~TunnelHosts() {
    for (std::size_t position = 0; position < tunnels_.size(); ++position) {
        table_.set_host(InterfaceId{static_cast<std::uint8_t>(first_id_ + position)}, nullptr);
    }
}

port::HostTapRequest TunnelHosts::request_of(std::size_t position,
                                             const contract::World& world) const {
    const std::size_t id = first_id_ + position;
    const contract::InterfaceSet& set = world.interfaces[id];
    port::HostTapRequest request{.interface_name = tunnels_[position].name,
                                 .mac = mac_of(id),
                                 .mtu_bytes = set.mtu_bytes,
                                 .addresses = {},
                                 .routes = {},
                                 .kind = port::HostKind::tun};
    for (const contract::PrefixField& field : std::span{set.addresses}.first(set.address_count)) {
        request.addresses.push_back({field.address, field.prefix()});
    }
    // The host reaches through the tunnel what the data plane routes there. Everything, though, is
    // the host's own affair: its default route stays.
    for (const contract::RouteField& route : world.routes) {
        if (route.interface == id && route.kind != contract::RouteKind::unreachable &&
            route.to.length != 0) {
            request.routes.push_back({route.to.prefix(), route.via, {}});
        }
    }
    return request;
}

void TunnelHosts::follow(const contract::World& world) {
    notes_.clear();
    for (std::size_t position = 0; position < tunnels_.size(); ++position) {
        if (world.tunnels[position].listen_port != 0 || tunnels_[position].host.tap() != nullptr) {
            follow_one(position, world);
        }
    }
}

void TunnelHosts::follow_one(std::size_t position, const contract::World& world) {
    Tunnel& tunnel = tunnels_[position];
    const port::HostTapRequest request = request_of(position, world);
    if (tunnel.host.tap() != nullptr) {
        tunnel.host.tap()->follow(request, notes_);
        return;
    }
    std::vector<std::string> notes;
    auto host = port::HostTap::open(request, pool_, notes);
    if (!host) {
        notes_.push_back(host.error().sentence);
        return;
    }
    tunnel.host.set(std::move(*host), notes);
    notes_.insert(notes_.end(), notes.begin(), notes.end());
    table_.set_host(InterfaceId{static_cast<std::uint8_t>(first_id_ + position)},
                    tunnel.host.tap());
    settle_();
}

std::vector<std::string> TunnelHosts::notes() const {
    std::vector<std::string> all = notes_;
    for (const Tunnel& tunnel : tunnels_) {
        tunnel.host.append_note(tunnel.name, all);
    }
    return all;
}

bool TunnelHosts::lose_hosts(const contract::World& world) {
    bool is_any_missing = false;
    for (std::size_t position = 0; position < tunnels_.size(); ++position) {
        Tunnel& tunnel = tunnels_[position];
        if (tunnel.host.is_lost()) {
            table_.set_host(InterfaceId{static_cast<std::uint8_t>(first_id_ + position)}, nullptr);
            settle_();
            tunnel.host.forget(tunnel.name);
        }
        is_any_missing |= world.tunnels[position].listen_port != 0 && tunnel.host.tap() == nullptr;
    }
    return is_any_missing;
}

std::size_t TunnelHosts::append_facts(const contract::World& world,
                                      std::array<DeviceFacts, kInterfacesMax>& facts) const {
    for (std::size_t position = 0; position < tunnels_.size(); ++position) {
        const std::size_t id = first_id_ + position;
        facts[id] = {.mac = mac_of(id),
                     .mtu_bytes = world.interfaces[id].mtu_bytes,
                     .is_up = world.tunnels[position].listen_port != 0,
                     .has_host = tunnels_[position].host.tap() != nullptr,
                     .is_tunnel = true};
    }
    return tunnels_.size();
}

}  // namespace towpath::engine
