// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/dataplane.h"
#include "dataplane/engine/endpoint_way.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "dataplane/engine/answers.h"
#include "dataplane/engine/generation_builder.h"
#include "dataplane/engine/listen_ports.h"

namespace towpath::engine {
namespace {

constexpr std::size_t kMemoryPerPort_bytes = std::size_t{16} << 20U;

// Without the kernel's random numbers nothing that needs them can start; start_workers says so.
wireguard::TableKeys tunnel_keys() {
    const auto keys = nat::Keys::random();
    return keys ? wireguard::TableKeys{keys->pooling, keys->ownership} : wireguard::TableKeys{};
}

std::string joined(const std::vector<std::string>& sentences) {
    std::string text;
    for (const std::string& sentence : sentences) {
        text += (text.empty() ? "" : "; ") + sentence;
    }
    return text;
}

}  // namespace

Dataplane::Dataplane(std::string run_directory, std::string instance, crypto::AeadPath aead)
    : run_directory_{std::move(run_directory)},
      instance_{std::move(instance)},
      tunnel_keys_{tunnel_keys()},
      aead_path_{aead} {}

Dataplane::~Dataplane() {
    if (link_thread_.joinable()) {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = write(link_stop_, &one, sizeof one);
        link_thread_.join();
        poll_thread_.join();
    }
    if (link_stop_ >= 0) {
        close(link_stop_);
    }
    workers_.reset();
}

Outcome<contract::Started> Dataplane::start(const contract::StartSettings& start) {
    auto plan = plan_start(start, worker::read_core_limits(""));
    if (!plan) {
        return tl::unexpected{plan.error()};
    }
    for (port::PortRequest& port : plan->ports) {
        port.adopted_file = run_directory_ + "/adopted-" + port.name;
    }
    host_port_range_ = start.host_ports;
    if (auto started = start_memory(start, *plan); !started) {
        return tl::unexpected{started.error()};
    }
    auto devices = Devices::open(plan->ports, *pool_, port_table_);
    if (!devices) {
        return tl::unexpected{devices.error()};
    }
    devices_ = std::move(*devices);
    auto host_ports =
        port::HostPorts::reserve({.range = {start.host_ports.first, start.host_ports.last},
                                  .saved_file = run_directory_ + "/ip_local_port_range"});
    if (!host_ports) {
        return tl::unexpected{host_ports.error()};
    }
    host_ports_.emplace(std::move(*host_ports));
    if (auto started = start_tunnels(start, *plan); !started) {
        return tl::unexpected{started.error()};
    }
    if (auto started = start_workers(*plan); !started) {
        return tl::unexpected{started.error()};
    }
    if (auto watched = watch_links(); !watched) {
        return tl::unexpected{watched.error()};
    }
    contract::Started reply;
    for (const unsigned core : plan->cores) {
        reply.cores[core / 64] |= std::uint64_t{1} << core % 64;
    }
    reply.workers = static_cast<std::uint32_t>(plan->cores.size());
    reply.uses_hugepages = has_hugepages_ ? 1 : 0;
    reply.notes.set(joined(notes()));
    return reply;
}

Outcome<void> Dataplane::start_memory(const contract::StartSettings& start, const StartPlan& plan) {
    dpdk::EalRequest request{.run_directory = run_directory_,
                             .instance = instance_,
                             .memory_bytes = dpdk::PacketPool::memory_bytes(plan.pool) +
                                             plan.ports.size() * kMemoryPerPort_bytes,
                             .pci_addresses = port::pci_addresses_of(plan.ports),
                             .may_use_hugepages = start.hugepages != contract::HugepageMode::never};
    auto eal = dpdk::Eal::start(request);
    if (!eal) {
        return tl::unexpected{eal.error()};
    }
    eal_.emplace(std::move(*eal));
    has_hugepages_ = eal_->has_hugepages();
    if (start.hugepages == contract::HugepageMode::required && !has_hugepages_) {
        return fail(ExitCode::no_memory,
                    "dataplane.hugepages asks for hugepages and the system has too few free: "
                    "raise vm.nr_hugepages or use hugepages: auto");
    }
    auto pool = dpdk::PacketPool::create(plan.pool);
    if (!pool) {
        return tl::unexpected{pool.error()};
    }
    pool_ = std::move(*pool);
    return {};
}

Outcome<void> Dataplane::start_tunnels(const contract::StartSettings& start,
                                       const StartPlan& plan) {
    if (start.tunnel_count == 0) {
        return {};
    }
    aead_ = choose_aead(run_directory_, aead_path_);
    std::fprintf(stderr, "towpathd: %s\n", aead_.sentence.c_str());
    const auto workers = static_cast<std::uint32_t>(plan.cores.size());
    // An eighth of the buffers for what waits (decisions.md W7), half as many sessions again as
    // peers (W16).
    const wireguard::Capacity capacity{
        .peers = start.peers,
        .sessions = start.peers + start.peers / 2 + 64,
        .prefixes = start.tunnel_prefixes,
        .workers = workers,
        .staged_packets_per_worker = static_cast<std::uint32_t>(plan.pool.buffers / 8 / workers)};
    auto tunnels = Tunnels::create(start, capacity, tunnel_keys_, quiescence_, bell_);
    if (!tunnels) {
        return tl::unexpected{tunnels.error()};
    }
    tunnels_ = std::move(*tunnels);
    tunnel_hosts_ = std::make_unique<TunnelHosts>(start, *pool_, port_table_);
    return {};
}

server::TunnelEngine& Dataplane::tunnels() {
    if (tunnels_ != nullptr) {
        return *tunnels_;
    }
    return no_tunnels_;
}

Outcome<void> Dataplane::start_workers(const StartPlan& plan) {
    auto keys = nat::Keys::random();
    if (!keys) {
        return tl::unexpected{keys.error()};
    }
    capacity_ = plan.capacity;
    auto tables = nat::Tables::create(plan.capacity, *keys, quiescence_);
    if (!tables) {
        return tl::unexpected{tables.error()};
    }
    tables_ = std::move(*tables);
    neighbors_ = std::make_unique<route::NeighborTable>();
    ipv6_neighbors_ = std::make_unique<ipv6::NeighborTable>();
    auto workers =
        worker::WorkerSet::create({.cores = plan.cores,
                                   .ports = devices_->queues(),
                                   .busy_polls = plan.busy_polls,
                                   .aead = aead_.path,
                                   .aead_thresholds = aead_.thresholds,
                                   .bell = &bell_},
                                  port_table_, *pool_, quiescence_,
                                  {*tables_, *neighbors_, *ipv6_neighbors_, keys->pooling,
                                   tunnels_ != nullptr ? &tunnels_->tables() : nullptr});
    if (!workers) {
        return tl::unexpected{workers.error()};
    }
    workers_ = std::move(*workers);
    devices_->set_settle([this] { workers_->ports_changed(); });
    if (tunnels_ != nullptr) {
        tunnels_->set_workers({.now = [this] { return workers_->clock().now(); },
                               .wake = [this](WorkerId worker) { workers_->wake(worker); },
                               .way =
                                   [this](const IpAddress& endpoint) {
                                       const std::lock_guard lock{mutex_};
                                       return way_to(endpoint, workers_->generation(),
                                                     {*neighbors_, *ipv6_neighbors_});
                                   }});
        tunnel_hosts_->set_settle([this] { workers_->ports_changed(); });
    }
    started_at_ = workers_->clock().now();
    return workers_->start();
}

Outcome<void> Dataplane::publish(std::uint64_t number, const contract::World& world) {
    const std::lock_guard lock{mutex_};
    const auto find = [this](const Endpoint& at) { return find_outside(Protocol::udp, at); };
    if (auto possible = check_listen_ports(world_, world, find); !possible) {
        return possible;
    }
    const std::vector<std::string> ending = ending_without(world.pool);
    if (auto bound = tables_->bind_pool(world.pool, realm_addresses_of(world, devices_->count()));
        !bound) {
        return bound;
    }
    const contract::World previous = std::exchange(world_, world);
    const std::uint64_t previous_number = std::exchange(world_number_, number);
    auto published = publish_world();
    if (!published) {
        world_ = previous;
        world_number_ = previous_number;
    } else if (!ending.empty()) {
        std::fprintf(stderr, "towpathd: %s\n", joined(ending).c_str());
    }
    return published;
}

Outcome<void> Dataplane::publish_world() {
    devices_->set_host_addresses(world_);
    std::array<DeviceFacts, kInterfacesMax> facts = devices_->facts();
    std::size_t interface_count = devices_->count();
    std::array<const wireguard::AllowedIps*, kInterfacesMax> allowed_ips{};
    if (tunnels_ != nullptr) {
        allowed_ips = tunnels_->allowed_ips();
        tunnel_hosts_->follow(world_);
        interface_count += tunnel_hosts_->append_facts(world_, facts);
    }
    auto generation = build_generation({.number = ++publications_,
                                        .world = world_,
                                        .interface_count = interface_count,
                                        .devices = facts,
                                        .host_ports = host_port_range_,
                                        .allowed_ips = allowed_ips});
    if (!generation) {
        return tl::unexpected{generation.error()};
    }
    workers_->publish(std::move(*generation));
    return {};
}

std::vector<std::string> Dataplane::notes() const {
    std::vector<std::string> all;
    if (!has_hugepages_) {
        all.emplace_back("no hugepages: packet memory is in ordinary pages");
    }
    for (std::size_t id = 0; id < devices_->count(); ++id) {
        const std::vector<std::string> of_port = devices_->notes(id);
        all.insert(all.end(), of_port.begin(), of_port.end());
        if (workers_ != nullptr && workers_->plan().is_distributed_in_software(
                                       InterfaceId{static_cast<std::uint8_t>(id)})) {
            all.push_back(devices_->request(id).name + ": software distribution");
        }
    }
    if (tunnel_hosts_ != nullptr) {
        const std::vector<std::string> of_tunnels = tunnel_hosts_->notes();
        all.insert(all.end(), of_tunnels.begin(), of_tunnels.end());
    }
    return all;
}

void Dataplane::status(contract::StatusReply& reply) {
    const std::lock_guard lock{mutex_};
    const auto uptime = workers_->clock().now() - started_at_;
    reply.uptime_s = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(uptime).count());
    for (std::size_t id = 0; id < workers_->size(); ++id) {
        const nat::NatCounters& nat =
            workers_->worker(static_cast<WorkerId>(id)).nat_state().counters();
        for (const Protocol protocol : {Protocol::udp, Protocol::tcp, Protocol::icmp}) {
            const std::size_t from = nat::protocol_position(protocol);
            reply.mappings[static_cast<std::size_t>(kind_of(protocol))] +=
                nat.mappings_created[from].value() - nat.mappings_ended[from].value();
            reply.sessions += nat.sessions_created[from].value() - nat.sessions_ended[from].value();
        }
    }
    reply.mapping_capacity = capacity_.mappings;
    reply.session_capacity = capacity_.sessions;
    reply.buffers = pool_->buffers();
    reply.buffers_free = pool_->available();
    reply.events_lost = events_lost();
    reply.workers = static_cast<std::uint32_t>(workers_->size());
    for (std::size_t id = 0; id < devices_->count(); ++id) {
        const InterfaceId interface { static_cast<std::uint8_t>(id) };
        if (workers_->plan().is_distributed_in_software(interface)) {
            reply.has_software_distribution = 1;
        }
    }
    reply.uses_hugepages = has_hugepages_ ? 1 : 0;
    reply.notes.set(joined(notes()));
}

std::size_t Dataplane::worker_count() const {
    return workers_->size();
}

void Dataplane::counters(std::size_t worker, contract::CountersReply& reply) {
    fill_counters(reply, workers_->worker(static_cast<WorkerId>(worker)));
    reply.core = workers_->cores()[worker];
    if (worker == 0) {
        // Ports count for themselves, whichever worker serves them.
        const std::lock_guard lock{mutex_};
        for (std::size_t id = 0; id < devices_->count(); ++id) {
            if (const port::Port* const port = devices_->port(id); port != nullptr) {
                reply.checksum_completed += port->statistics().checksum_completed;
            }
        }
    }
}

std::vector<contract::PortRow> Dataplane::interfaces() {
    const std::lock_guard lock{mutex_};
    std::vector<contract::PortRow> rows;
    for (std::size_t id = 0; id < devices_->count(); ++id) {
        contract::PortRow row;
        const DeviceFacts& facts = devices_->facts()[id];
        row.id = static_cast<std::uint8_t>(id);
        row.is_up = facts.is_up ? 1 : 0;
        row.has_host = facts.has_host ? 1 : 0;
        row.mtu_bytes = facts.mtu_bytes;
        row.mac = facts.mac;
        row.receive_queues = devices_->queues()[id].receive;
        row.transmit_queues = devices_->queues()[id].transmit;
        const port::Port* const port = devices_->port(id);
        row.driver = driver_of(port != nullptr ? port->driver() : devices_->request(id).driver);
        row.name.set(devices_->request(id).name);
        row.notes.set(joined(devices_->notes(id)));
        rows.push_back(row);
    }
    return rows;
}

std::vector<contract::LinkChange> Dataplane::drain_link_changes() {
    const std::lock_guard lock{mutex_};
    return std::exchange(link_changes_, {});
}

}  // namespace towpath::engine
