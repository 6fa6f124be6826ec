// SPDX-License-Identifier: BSD-3-Clause
// The part of Dataplane that asks owners about their mappings (decisions.md N4).
#include <algorithm>
#include <iterator>

#include "dataplane/engine/answers.h"
#include "dataplane/engine/dataplane.h"
#include "dataplane/engine/neighbor_rows.h"
#include "dataplane/engine/withdrawal.h"

namespace towpath::engine {

void Dataplane::nat_lookup(const contract::NatLookupQuery& query, contract::NatLookupReply& reply) {
    const std::lock_guard lock{mutex_};
    if (workers_->generation() == nullptr) {
        return;
    }
    const Protocol protocol = protocol_of(query.kind);
    const Endpoint endpoint = query.endpoint.endpoint();
    std::optional<nat::MappingView> found;
    if (query.side != contract::LookupSide::outside) {
        workers_->ask(tables_->ownership().owner_of(endpoint.address),
                      [&](nat::State& state, Now now) {
                          found = state.lookup_inside(protocol, endpoint, now);
                      });
    }
    if (!found.has_value() && query.side != contract::LookupSide::inside) {
        found = find_outside(protocol, endpoint);
    }
    if (!found.has_value() || found->is_held) {
        return;
    }
    reply.is_found = 1;
    reply.mapping = mapping_row(*found, workers_->generation()->nat);
    list_remotes(*found, reply);
}

std::optional<nat::MappingView> Dataplane::find_outside(Protocol protocol,
                                                        const Endpoint& outside) {
    std::optional<nat::MappingView> found;
    for (std::size_t id = 0;
         id < workers_->size() && !found.has_value() && workers_->generation() != nullptr; ++id) {
        workers_->ask(static_cast<WorkerId>(id), [&](nat::State& state, Now now) {
            found = state.lookup_outside(protocol, outside, now);
        });
    }
    return found;
}

void Dataplane::list_remotes(const nat::MappingView& mapping, contract::NatLookupReply& reply) {
    // No further than the last of them: the table of sessions is read a slice at a time.
    const std::size_t limit = std::min<std::size_t>(mapping.sessions, reply.remotes.size());
    std::array<nat::RemoteView, contract::kRemotesPerReply> views;
    std::uint32_t cursor = 0;
    while (reply.remote_count < limit) {
        nat::Page page;
        workers_->ask(mapping.owner, [&](nat::State& state, Now now) {
            page = state.remotes(mapping.protocol, mapping.inside, cursor,
                                 std::span{views}.first(limit - reply.remote_count), now,
                                 mapping.realm);
        });
        for (const nat::RemoteView& view : std::span{views.data(), page.count}) {
            reply.remotes[reply.remote_count++] = remote_row(view);
        }
        cursor = page.cursor;
        if (cursor == 0) {
            break;
        }
    }
}

void Dataplane::nat_list(const contract::NatListQuery& query, contract::NatListReply& reply) {
    const std::lock_guard lock{mutex_};
    if (workers_->generation() == nullptr) {
        return;
    }
    // A cursor is the worker, then that worker's own cursor.
    auto worker = static_cast<std::size_t>(query.cursor >> 32U);
    auto cursor = static_cast<std::uint32_t>(query.cursor);
    std::array<nat::MappingView, contract::kMappingsPerReply> views;
    const std::size_t limit = std::min<std::size_t>(query.limit, views.size());
    while (worker < workers_->size() && reply.count < limit) {
        nat::Page page;
        workers_->ask(static_cast<WorkerId>(worker), [&](nat::State& state, Now now) {
            page = state.list(cursor, std::span{views}.first(limit - reply.count), now);
        });
        for (const nat::MappingView& view : std::span{views.data(), page.count}) {
            // One that ended and whose port rests translates nothing.
            if (!view.is_held) {
                reply.rows[reply.count++] = mapping_row(view, workers_->generation()->nat);
            }
        }
        cursor = page.cursor;
        worker += cursor == 0 ? 1 : 0;
    }
    reply.next_cursor = worker < workers_->size() ? std::uint64_t{worker} << 32U | cursor : 0;
}

std::vector<contract::NeighborRow> Dataplane::neighbors() {
    const std::lock_guard lock{mutex_};
    if (workers_->generation() == nullptr) {
        return {};
    }
    std::vector<contract::NeighborRow> rows =
        neighbor_rows(*neighbors_, *ipv6_neighbors_, workers_->clock().now());
    // Worker 0 alone knows whom it asks; on its thread nothing may allocate.
    std::vector<contract::NeighborRow> unanswered;
    unanswered.reserve(2 * route::kPendingMax);
    workers_->ask(0, [&](const nat::State&, Now) {
        workers_->worker(0).pipeline().for_each_unanswered_neighbor(
            [&](InterfaceId interface, const IpAddress& address, route::NeighborState state) {
                contract::NeighborRow row;
                row.address = contract::IpAddressField::of(address);
                row.interface = static_cast<std::uint8_t>(interface);
                row.state = to_contract(state);
                unanswered.push_back(row);
            });
    });
    rows.insert(rows.end(), unanswered.begin(), unanswered.end());
    sort_rows(rows);
    return rows;
}

void Dataplane::resync_events() {
    const std::lock_guard lock{mutex_};
    if (workers_->generation() == nullptr) {
        return;
    }
    for (std::size_t id = 0; id < workers_->size(); ++id) {
        workers_->ask(static_cast<WorkerId>(id),
                      [](nat::State& state, Now) { state.request_resync(); });
    }
}

std::size_t Dataplane::drain_events(std::span<contract::EventRow> rows) {
    const std::lock_guard lock{mutex_};
    std::size_t count = 0;
    for (std::size_t id = 0; id < workers_->size(); ++id) {
        nat::MappingEvent event;
        while (count < rows.size() && workers_->events(static_cast<WorkerId>(id)).pop(event)) {
            rows[count++] = event_row(event, static_cast<WorkerId>(id));
        }
    }
    return count;
}

std::uint64_t Dataplane::events_lost() const {
    std::uint64_t lost = 0;
    for (std::size_t id = 0; id < workers_->size(); ++id) {
        lost += workers_->events(static_cast<WorkerId>(id)).lost.value();
    }
    return lost;
}

std::vector<std::string> Dataplane::ending_without(std::span<const Ipv4Address> pool) const {
    return withdrawals(world_.pool, pool, [this](Ipv4Address address) {
        std::size_t mappings = 0;
        for (const Protocol protocol : {Protocol::udp, Protocol::tcp, Protocol::icmp}) {
            const nat::PortUsage usage = tables_->port_usage(address, protocol);
            mappings += usage.used - std::min(usage.used, usage.held);
        }
        return mappings;
    });
}

std::vector<contract::PortUsageRow> Dataplane::port_usage() {
    const std::lock_guard lock{mutex_};
    std::vector<contract::PortUsageRow> rows;
    if (workers_->generation() == nullptr) {
        return rows;
    }
    const nat::Policy& policy = workers_->generation()->nat;
    std::uint32_t reserved = 0;
    for (std::uint32_t port = policy.port_first; port <= policy.port_last; ++port) {
        reserved += policy.reserved_ports[port] ? 1 : 0;
    }
    const std::uint32_t range = std::uint32_t{policy.port_last} - policy.port_first + 1U;
    std::vector<Ipv4Address> addresses = policy.pool;
    std::copy_if(policy.realm_addresses.begin(), policy.realm_addresses.end(),
                 std::back_inserter(addresses),
                 [](Ipv4Address address) { return !address.is_unspecified(); });
    for (const Ipv4Address address : addresses) {
        for (const Protocol protocol : {Protocol::udp, Protocol::tcp, Protocol::icmp}) {
            const nat::PortUsage usage = tables_->port_usage(address, protocol);
            contract::PortUsageRow row;
            row.address = address;
            row.kind = kind_of(protocol);
            row.in_use = usage.used - std::min(usage.used, usage.held);
            row.held_down = usage.held;
            row.failures = usage.refused;
            row.not_for_mappings = reserved;
            row.free = range - std::min(range, reserved + usage.used);
            rows.push_back(row);
        }
    }
    return rows;
}

}  // namespace towpath::engine
