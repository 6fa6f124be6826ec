// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/devices.h"

#include <net/if.h>

#include <algorithm>

namespace towpath::engine {
namespace {

// af_xdp leaves the host its netdev; tap and pcap have no host beside them (decisions.md N10).
bool needs_host(port::Driver driver) {
    return driver == port::Driver::pci || driver == port::Driver::memif ||
           driver == port::Driver::af_packet;
}

}  // namespace

Outcome<std::unique_ptr<Devices>> Devices::open(std::vector<port::PortRequest> requests,
                                                dpdk::PacketPool& pool, worker::PortTable& table) {
    std::unique_ptr<Devices> devices{new Devices{std::move(requests), pool, table}};
    for (std::size_t id = 0; id < devices->count(); ++id) {
        if (auto opened = devices->open_one(id); !opened) {
            return tl::unexpected{opened.error()};
        }
        const port::Port& port = *devices->ports_[id];
        devices->queues_.push_back({port.receive_queue_count(), port.transmit_queue_count()});
    }
    return devices;
}

Devices::Devices(std::vector<port::PortRequest> requests, dpdk::PacketPool& pool,
                 worker::PortTable& table)
    : requests_{std::move(requests)}, pool_{pool}, table_{table} {}

Devices::~Devices() {
    for (std::size_t id = 0; id < count(); ++id) {
        table_.set_port(InterfaceId{static_cast<std::uint8_t>(id)}, nullptr);
        table_.set_host(InterfaceId{static_cast<std::uint8_t>(id)}, nullptr);
    }
}

Outcome<void> Devices::open_one(std::size_t id) {
    auto port = port::Port::open(requests_[id], pool_);
    if (!port) {
        return tl::unexpected{port.error()};
    }
    ports_[id].emplace(std::move(*port));
    kernel_names_[id] = ports_[id]->kernel_name();
    facts_[id].mac = ports_[id]->mac();
    facts_[id].mtu_bytes = ports_[id]->mtu_bytes();
    facts_[id].is_up = ports_[id]->is_up();
    table_.set_port(InterfaceId{static_cast<std::uint8_t>(id)}, &*ports_[id]);
    return {};
}

bool Devices::has_port_with_host(std::size_t id) const {
    return ports_[id].has_value() && needs_host(ports_[id]->driver());
}

void Devices::set_host_addresses(const contract::World& world) {
    for (std::size_t id = 0; id < count(); ++id) {
        if (has_port_with_host(id) && hosts_[id].tap() != nullptr) {
            hosts_[id].tap()->withdraw_routes(host_request(id, world));
        }
    }
    for (std::size_t id = 0; id < count(); ++id) {
        if (!ports_[id].has_value()) {
            continue;
        }
        if (!has_port_with_host(id)) {
            tell_port(id, world.interfaces[id]);
            continue;
        }
        host_notes_[id].clear();
        if (hosts_[id].tap() == nullptr) {
            open_host(id, world);
        } else {
            hosts_[id].tap()->follow(host_request(id, world), host_notes_[id]);
        }
    }
}

void Devices::tell_port(std::size_t id, const contract::InterfaceSet& set) {
    std::vector<Ipv4Address> own;
    for (const contract::PrefixField& field : std::span{set.addresses}.first(set.address_count)) {
        own.push_back(field.address);
    }
    host_notes_[id].clear();
    const bool speaks_ipv6 = set.ipv6_address_count > 0;
    if (const auto told = ports_[id]->set_own_addresses(own, speaks_ipv6); !told) {
        host_notes_[id].push_back(told.error().sentence);
    }
    requests_[id].own_addresses = std::move(own);  // for when the port is opened again
    requests_[id].speaks_ipv6 = speaks_ipv6;
}

port::HostTapRequest Devices::host_request(std::size_t id, const contract::World& world) const {
    port::HostTapRequest request{.interface_name = requests_[id].name,
                                 .mac = facts_[id].mac,
                                 .mtu_bytes = facts_[id].mtu_bytes,
                                 .addresses = {},
                                 .routes = {},
                                 .port_device = kernel_names_[id]};
    const contract::InterfaceSet& set = world.interfaces[id];
    for (const contract::PrefixField& field : std::span{set.addresses}.first(set.address_count)) {
        request.addresses.push_back({field.address, field.prefix()});
    }
    for (const contract::RouteField& route : world.routes) {
        if (route.kind == contract::RouteKind::via && route.interface == id) {
            request.routes.push_back({route.to.prefix(), route.via, {}});
        }
    }
    return request;
}

void Devices::open_host(std::size_t id, const contract::World& world) {
    auto host = port::HostTap::open(host_request(id, world), pool_, host_notes_[id]);
    if (!host) {
        host_notes_[id].push_back(host.error().sentence);
        return;
    }
    hosts_[id].set(std::move(*host), host_notes_[id]);
    facts_[id].has_host = true;
    table_.set_host(InterfaceId{static_cast<std::uint8_t>(id)}, hosts_[id].tap());
    settle_();
}

bool Devices::lose_hosts() {
    bool is_any_missing = false;
    for (std::size_t id = 0; id < count(); ++id) {
        if (hosts_[id].is_lost()) {
            table_.set_host(InterfaceId{static_cast<std::uint8_t>(id)}, nullptr);
            facts_[id].has_host = false;
            settle_();
            hosts_[id].forget(requests_[id].name);
        }
        is_any_missing |= has_port_with_host(id) && hosts_[id].tap() == nullptr;
    }
    return is_any_missing;
}

bool Devices::make_taps_again() {
    bool has_changed = false;
    for (std::size_t id = 0; id < count(); ++id) {
        const std::string& name = requests_[id].match.kernel_name;
        if (requests_[id].driver == port::Driver::tap && ::if_nametoindex(name.c_str()) == 0) {
            has_changed |= remove(id);
            has_changed |= reopen(id);
        }
    }
    return has_changed;
}

std::optional<std::size_t> Devices::find(const std::string& kernel_name) const {
    for (std::size_t id = 0; id < count(); ++id) {
        if (!kernel_names_[id].empty() && kernel_names_[id] == kernel_name) {
            return id;
        }
    }
    return std::nullopt;
}

bool Devices::poll_links() {
    bool has_changed = false;
    for (std::size_t id = 0; id < count(); ++id) {
        if (kernel_names_[id].empty() && refresh(id)) {
            has_changed = true;
        }
    }
    return has_changed;
}

bool Devices::handle(const port::LinkEvent& event) {
    const std::optional<std::size_t> id = find(event.link.name);
    if (!id.has_value()) {
        return false;
    }
    using enum port::LinkEvent::Kind;
    switch (event.kind) {
        case removed:
            return remove(*id);
        case appeared:
            return reopen(*id) || refresh(*id);
        case up:
        case down:
        case changed:
            return refresh(*id);
    }
    return false;
}

bool Devices::remove(std::size_t id) {
    if (!ports_[id].has_value()) {
        return false;
    }
    table_.set_port(InterfaceId{static_cast<std::uint8_t>(id)}, nullptr);
    facts_[id].is_up = false;
    settle_();
    ports_[id].reset();
    away_notes_[id] = requests_[id].name + ": the device " + kernel_names_[id] +
                      " is gone, and used again when it is back";
    return true;
}

bool Devices::reopen(std::size_t id) {
    if (ports_[id].has_value()) {
        return false;
    }
    if (const auto opened = open_one(id); !opened) {
        away_notes_[id] = opened.error().sentence;
        return false;
    }
    // Workers serve the queues that were dealt at start.
    if (ports_[id]->receive_queue_count() < queues_[id].receive ||
        ports_[id]->transmit_queue_count() < queues_[id].transmit) {
        (void)remove(id);
        away_notes_[id] =
            requests_[id].name + " came back with fewer queues than it had and stays unused";
        return false;
    }
    if (hosts_[id].tap() != nullptr && !hosts_[id].tap()->change_mac(facts_[id].mac)) {
        host_notes_[id] = {requests_[id].name +
                           " came back with another MAC, which the host's TAP could not take"};
    }
    settle_();
    return true;
}

bool Devices::refresh(std::size_t id) {
    if (!ports_[id].has_value()) {
        return false;
    }
    const bool was_up = facts_[id].is_up;
    facts_[id].is_up = ports_[id]->is_up();
    return facts_[id].is_up != was_up;
}

std::vector<std::string> Devices::notes(std::size_t id) const {
    std::vector<std::string> notes = host_notes_[id];
    hosts_[id].append_note(requests_[id].name, notes);
    if (ports_[id].has_value()) {
        notes.insert(notes.begin(), ports_[id]->notes().begin(), ports_[id]->notes().end());
    } else {
        notes.push_back(away_notes_[id]);
    }
    return notes;
}

}  // namespace towpath::engine
