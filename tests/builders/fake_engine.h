// SPDX-License-Identifier: BSD-3-Clause
// An Engine without a data plane: remembers what it was asked and answers from members.
#pragma once

#include <algorithm>
#include <map>
#include <utility>

#include "dataplane/server/engine.h"
#include "tests/builders/fake_tunnel_engine.h"

namespace towpath::server {

class FakeEngine : public Engine {
public:
    Outcome<contract::Started> start(const contract::StartSettings& settings) override {
        ++starts;
        if (start_failure.exit_code != ExitCode::ok) {
            return tl::unexpected{start_failure};
        }
        contract::Started started;
        started.workers = workers;
        port_count = settings.port_count;
        return started;
    }
    Outcome<void> publish(std::uint64_t number, const contract::World& world) override {
        if (publish_failure.exit_code != ExitCode::ok) {
            return tl::unexpected{publish_failure};
        }
        published.emplace_back(number, world);
        return {};
    }
    void status(contract::StatusReply& reply) override { reply.sessions = 5; }
    std::size_t worker_count() const override { return workers; }
    void counters(std::size_t worker, contract::CountersReply& reply) override {
        reply.received = 100 * (worker + 1);
        reply.drops[3] = worker + 1;
    }
    std::vector<contract::PortRow> interfaces() override {
        std::vector<contract::PortRow> rows(port_count);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            rows[i].id = static_cast<std::uint8_t>(i);
            rows[i].is_up = 1;
        }
        return rows;
    }
    void nat_lookup(const contract::NatLookupQuery& query,
                    contract::NatLookupReply& reply) override {
        const auto found = std::find_if(mappings.begin(), mappings.end(), [&](const auto& row) {
            return row.outside == query.endpoint || row.inside == query.endpoint;
        });
        if (found != mappings.end()) {
            reply.is_found = 1;
            reply.mapping = *found;
        }
    }
    void nat_list(const contract::NatListQuery& query, contract::NatListReply& reply) override {
        while (reply.count < query.limit && query.cursor + reply.count < mappings.size()) {
            reply.rows[reply.count] = mappings[query.cursor + reply.count];
            ++reply.count;
        }
        const std::uint64_t next = query.cursor + reply.count;
        reply.next_cursor = next < mappings.size() ? next : 0;
    }
    std::vector<contract::PortUsageRow> port_usage() override { return usage; }
    std::vector<contract::NeighborRow> neighbors() override { return neighbor_rows; }
    void resync_events() override { ++resyncs; }
    std::size_t drain_events(std::span<contract::EventRow> rows) override {
        const std::size_t count = std::min(rows.size(), events.size());
        std::copy_n(events.begin(), count, rows.begin());
        events.erase(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(count));
        return count;
    }
    std::uint64_t events_lost() const override { return lost; }
    std::vector<contract::LinkChange> drain_link_changes() override {
        return std::exchange(link_changes, {});
    }
    std::uint64_t index_key() const override { return 0x1D; }
    int wakeup_descriptor() const override { return -1; }
    TunnelEngine& tunnels() override { return fake_tunnels; }

    Failure start_failure{ExitCode::ok, {}};
    Failure publish_failure{ExitCode::ok, {}};
    std::size_t starts = 0;
    std::size_t resyncs = 0;
    std::uint32_t workers = 2;
    std::size_t port_count = 0;
    std::uint64_t lost = 0;
    std::vector<std::pair<std::uint64_t, contract::World>> published;
    std::vector<contract::MappingRow> mappings;
    std::vector<contract::PortUsageRow> usage;
    std::vector<contract::NeighborRow> neighbor_rows;
    std::vector<contract::EventRow> events;
    std::vector<contract::LinkChange> link_changes;
    FakeTunnelEngine fake_tunnels;
};

}  // namespace towpath::server
