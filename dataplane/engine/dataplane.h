// SPDX-License-Identifier: BSD-3-Clause
// The running data plane: everything with a lifetime, in the order in which it starts, behind the
// questions that the contract asks. Two threads call it, the contract server's and the link
// watcher's; a mutex keeps them apart. No worker ever takes it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/dpdk/eal.h"
#include "dataplane/dpdk/packet_pool.h"
#include "dataplane/engine/aead_choice.h"
#include "dataplane/engine/devices.h"
#include "dataplane/engine/no_tunnels.h"
#include "dataplane/engine/start_plan.h"
#include "dataplane/engine/tunnel_hosts.h"
#include "dataplane/engine/tunnels.h"
#include "dataplane/port/host_ports.h"
#include "dataplane/server/engine.h"
#include "dataplane/worker/worker_set.h"

namespace towpath::engine {

class Dataplane final : public server::Engine {
public:
    // `run_directory` exists and its lock is held.
    // `aead`: by which code tunnels seal and open; automatic: the fastest here.
    Dataplane(std::string run_directory, std::string instance,
              crypto::AeadPath aead = crypto::AeadPath::automatic);
    ~Dataplane() override;

    [[nodiscard]] Outcome<contract::Started> start(const contract::StartSettings& start) override;
    [[nodiscard]] Outcome<void> publish(std::uint64_t number,
                                        const contract::World& world) override;
    void status(contract::StatusReply& reply) override;
    [[nodiscard]] std::size_t worker_count() const override;
    void counters(std::size_t worker, contract::CountersReply& reply) override;
    [[nodiscard]] std::vector<contract::PortRow> interfaces() override;
    void nat_lookup(const contract::NatLookupQuery& query,
                    contract::NatLookupReply& reply) override;
    void nat_list(const contract::NatListQuery& query, contract::NatListReply& reply) override;
    [[nodiscard]] std::vector<contract::PortUsageRow> port_usage() override;
    [[nodiscard]] std::vector<contract::NeighborRow> neighbors() override;
    void resync_events() override;
    [[nodiscard]] std::size_t drain_events(std::span<contract::EventRow> rows) override;
    [[nodiscard]] std::uint64_t events_lost() const override;
    [[nodiscard]] std::vector<contract::LinkChange> drain_link_changes() override;
    [[nodiscard]] std::uint64_t index_key() const override { return tunnel_keys_.index_key; }
    [[nodiscard]] int wakeup_descriptor() const override { return bell_.descriptor(); }
    [[nodiscard]] server::TunnelEngine& tunnels() override;

private:
    [[nodiscard]] Outcome<void> start_memory(const contract::StartSettings& start,
                                             const StartPlan& plan);
    [[nodiscard]] Outcome<void> start_tunnels(const contract::StartSettings& start,
                                              const StartPlan& plan);
    [[nodiscard]] Outcome<void> start_workers(const StartPlan& plan);
    [[nodiscard]] Outcome<void> watch_links();
    [[nodiscard]] Outcome<void> publish_world();
    void on_link(const port::LinkEvent& event);
    void poll_links();
    void publish_links();
    void restore_hosts();
    [[nodiscard]] std::vector<std::string> notes() const;
    // Nothing but the mapping itself says who owns an outside endpoint: asks one worker after the
    // other; with the lock held. None before the first publication.
    [[nodiscard]] std::optional<nat::MappingView> find_outside(Protocol protocol,
                                                               const Endpoint& outside);
    // What ends when the pool becomes this.
    [[nodiscard]] std::vector<std::string> ending_without(std::span<const Ipv4Address> pool) const;
    // Asks the owner of a mapping for its remotes, as many as fit; with the lock held.
    void list_remotes(const nat::MappingView& mapping, contract::NatLookupReply& reply);

    std::string run_directory_;
    std::string instance_;
    mutable std::mutex mutex_;
    contract::World world_;
    std::uint64_t world_number_ = 0;
    std::uint64_t publications_ = 0;
    contract::PortRangeField host_port_range_;
    nat::Capacity capacity_;
    Now started_at_{};
    bool has_hugepages_ = false;
    wireguard::TableKeys tunnel_keys_;
    crypto::AeadPath aead_path_;
    AeadChoice aead_;
    worker::ServerBell bell_;
    NoTunnels no_tunnels_;
    std::vector<contract::LinkChange> link_changes_;

    // In the order of start; destroyed in reverse.
    std::optional<port::HostPorts> host_ports_;
    std::optional<dpdk::Eal> eal_;
    std::unique_ptr<dpdk::PacketPool> pool_;
    worker::PortTable port_table_;
    std::unique_ptr<Devices> devices_;
    Quiescence quiescence_;
    std::unique_ptr<nat::Tables> tables_;
    std::unique_ptr<route::NeighborTable> neighbors_;
    std::unique_ptr<ipv6::NeighborTable> ipv6_neighbors_;
    std::unique_ptr<Tunnels> tunnels_;           // null: started without any
    std::unique_ptr<TunnelHosts> tunnel_hosts_;  // likewise
    std::unique_ptr<worker::WorkerSet> workers_;
    int link_stop_ = -1;
    std::thread link_thread_;
    std::thread poll_thread_;
};

}  // namespace towpath::engine
