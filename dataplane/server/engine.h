// SPDX-License-Identifier: BSD-3-Clause
// What the contract server asks of the data plane behind it. An interface so that the server runs
// in tests without EAL. Every call is made on the server's thread and returns within a bounded
// time; `start` alone may take seconds. Before a successful `start` only `start` is called.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/contract/messages.h"
#include "dataplane/contract/world_state.h"
#include "dataplane/server/tunnel_engine.h"
#include "dataplane/wire/result.h"

namespace towpath::server {

class Engine {
public:
    Engine() = default;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    virtual ~Engine() = default;

    // Opens ports, starts workers. Called once; the process ends if it fails. Fills all of Started
    // but its header.
    [[nodiscard]] virtual Outcome<contract::Started> start(
        const contract::StartSettings& settings) = 0;
    // Makes `world` what workers see, as generation `number`; returns when it is published. A
    // failure leaves the previous one in force.
    [[nodiscard]] virtual Outcome<void> publish(std::uint64_t number,
                                                const contract::World& world) = 0;

    // Fills all but header, generation and state.
    virtual void status(contract::StatusReply& reply) = 0;
    [[nodiscard]] virtual std::size_t worker_count() const = 0;
    // Fills all but header, workers and worker. worker < worker_count().
    virtual void counters(std::size_t worker, contract::CountersReply& reply) = 0;
    [[nodiscard]] virtual std::vector<contract::PortRow> interfaces() = 0;
    // Fills all but the header.
    virtual void nat_lookup(const contract::NatLookupQuery& query,
                            contract::NatLookupReply& reply) = 0;
    // Fills next_cursor, count and rows; at most query.limit rows.
    virtual void nat_list(const contract::NatListQuery& query, contract::NatListReply& reply) = 0;
    [[nodiscard]] virtual std::vector<contract::PortUsageRow> port_usage() = 0;
    // Of all interfaces, both families.
    [[nodiscard]] virtual std::vector<contract::NeighborRow> neighbors() = 0;

    // Asks every owner to emit begin, exists..., end (decisions.md N4).
    virtual void resync_events() = 0;
    // Takes events off the rings into `rows`, oldest first per worker; how many.
    [[nodiscard]] virtual std::size_t drain_events(std::span<contract::EventRow> rows) = 0;
    // Events that found their ring full, since start.
    [[nodiscard]] virtual std::uint64_t events_lost() const = 0;
    // Ports that came or went since the last call (decisions.md N12).
    [[nodiscard]] virtual std::vector<contract::LinkChange> drain_link_changes() = 0;

    // Secret key of the permutation behind receiver indices (decisions.md W4); known before start.
    [[nodiscard]] virtual std::uint64_t index_key() const = 0;
    // An event descriptor that workers make readable when the tunnels have something for control;
    // the server reads it empty. Negative: there is none. Known before start.
    [[nodiscard]] virtual int wakeup_descriptor() const = 0;
    // After a successful start.
    [[nodiscard]] virtual TunnelEngine& tunnels() = 0;
};

}  // namespace towpath::server
