// SPDX-License-Identifier: BSD-3-Clause
#include "control/observe/snapshot.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <string_view>

#include "dataplane/wire/ip_address.h"

namespace towpath::control {
namespace {

using namespace contract;

double per_second(std::uint64_t now, std::uint64_t before, double elapsed_s) noexcept {
    return elapsed_s > 0 && now >= before ? static_cast<double>(now - before) / elapsed_s : 0;
}

std::string_view name_of(MappingKind kind) noexcept {
    switch (kind) {
        case MappingKind::udp:
            return "udp";
        case MappingKind::tcp:
            return "tcp";
        case MappingKind::icmp:
        case MappingKind::count:
            break;
    }
    return "icmp";
}

std::string_view name_of(PortDriver driver) noexcept {
    constexpr std::array<std::string_view, static_cast<std::size_t>(PortDriver::count)> names = {
        "auto", "pci", "af_xdp", "af_packet", "memif", "tap", "pcap"};
    return names[std::min(static_cast<std::size_t>(driver), names.size() - 1)];
}

std::string_view name_of(Role role) noexcept {
    return role == Role::inside ? "inside" : role == Role::outside ? "outside" : "neutral";
}

std::string_view name_of(Filtering filtering) noexcept {
    return filtering == Filtering::endpoint_independent ? "endpoint-independent"
           : filtering == Filtering::address_dependent  ? "address-dependent"
                                                        : "address-and-port-dependent";
}

std::string_view name_of(RemoteState state) noexcept {
    constexpr std::array<std::string_view, static_cast<std::size_t>(RemoteState::count)> names = {
        "permitted", "opening", "established", "closing"};
    return names[std::min(static_cast<std::size_t>(state), names.size() - 1)];
}

// "a; b" into its sentences.
std::vector<std::string> sentences_of(std::string_view text) {
    std::vector<std::string> sentences;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find("; "), text.size());
        sentences.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 2, text.size()));
    }
    return sentences;
}

// The rows of a reply into a list that it states in parts.
template <class Reply, class Row>
void take_part(const Reply& reply, std::vector<Row>& list) {
    if (reply.part.offset == 0) {
        list.clear();
    }
    if (reply.part.offset == list.size()) {
        list.insert(list.end(), reply.rows.begin(), reply.rows.begin() + reply.part.count);
    }
}

std::vector<std::string> addresses_of(const contract::InterfaceSet& set) {
    std::vector<std::string> addresses;
    const auto append = [&addresses](const auto& field) {
        addresses.push_back(to_string(field.address) + "/" + std::to_string(field.length));
    };
    for (const auto& field : std::span{set.addresses}.first(set.address_count)) {
        append(field);
    }
    for (const auto& field : std::span{set.ipv6_addresses}.first(set.ipv6_address_count)) {
        append(field);
    }
    return addresses;
}

}  // namespace

void Snapshot::on(const StatusReply& reply) {
    status_ = reply;
}

void Snapshot::on(const ReasonsReply& reply) {
    take_part(reply, reasons_);
}

void Snapshot::on(const InterfacesReply& reply) {
    take_part(reply, ports_);
}

void Snapshot::on(const LinkChange& change) {
    for (PortRow& port : ports_) {
        if (port.id == change.interface) {
            port.is_up = change.is_up;
        }
    }
}

void Snapshot::on(const EventBatch& batch) {
    for (std::size_t i = 0; i < batch.count; ++i) {
        totals_.mappings_created += batch.rows[i].kind == EventKind::created ? 1 : 0;
        totals_.mappings_deleted += batch.rows[i].kind == EventKind::deleted ? 1 : 0;
    }
    totals_.events_lost = batch.lost;
}

void Snapshot::on(const CountersReply& reply, Now now) {
    if (reply.worker == 0) {
        round_.clear();
    }
    if (reply.worker == round_.size()) {
        round_.push_back(reply);
    }
    if (reply.workers == round_.size()) {
        finish_round(now);
    }
}

void Snapshot::finish_round(Now now) {
    Sums sums;
    sums.when = now;
    TotalsModel totals;
    totals.mappings_created = totals_.mappings_created;
    totals.mappings_deleted = totals_.mappings_deleted;
    totals.events_lost = totals_.events_lost;
    cores_.resize(round_.size());
    times_.resize(round_.size());
    for (const CountersReply& worker : round_) {
        totals.received += worker.received;
        totals.transmitted += worker.transmitted;
        totals.dropped += worker.dropped;
        totals.punted += worker.punted;
        totals.handed_off += worker.handed_off;
        totals.held += worker.held;
        totals.checksum_completed += worker.checksum_completed;
        totals.icmp_errors_over_rate += worker.icmp_errors_over_rate;
        totals.icmp_errors_repeated += worker.icmp_errors_repeated;
        for (std::size_t i = 0; i < sums.drops.size(); ++i) {
            sums.drops[i] += worker.drops[i];
        }
        for (std::size_t i = 0; i < sums.stages.size(); ++i) {
            sums.stages[i].packets += worker.stages[i].packets;
            sums.stages[i].cycles += worker.stages[i].cycles;
        }
        for (std::size_t i = 0; i < sums.interfaces.size(); ++i) {
            sums.interfaces[i].receive_packets += worker.interfaces[i].receive_packets;
            sums.interfaces[i].receive_bytes += worker.interfaces[i].receive_bytes;
            sums.interfaces[i].transmit_packets += worker.interfaces[i].transmit_packets;
            sums.interfaces[i].transmit_bytes += worker.interfaces[i].transmit_bytes;
            sums.interfaces[i].address_conflicts += worker.interfaces[i].address_conflicts;
        }
        auto& [busy, all] = times_[worker.worker];
        const std::uint64_t all_now = worker.busy_ns + worker.idle_ns;
        const double busy_time = per_second(worker.busy_ns, busy, 1);
        const double all_time = per_second(all_now, all, 1);
        cores_[worker.worker] = {worker.worker, worker.core,
                                 all_time > 0 ? std::min(1.0, busy_time / all_time) : 0};
        busy = worker.busy_ns;
        all = all_now;
    }
    before_ = now_.when == Now{} ? std::nullopt : std::optional{now_};
    now_ = sums;
    totals_ = totals;
    round_.clear();
}

void Snapshot::fill(StatusModel& model) const {
    model.dataplane_uptime_s = status_.uptime_s;
    model.mappings_udp = status_.mappings[static_cast<std::size_t>(MappingKind::udp)];
    model.mappings_tcp = status_.mappings[static_cast<std::size_t>(MappingKind::tcp)];
    model.mappings_icmp = status_.mappings[static_cast<std::size_t>(MappingKind::icmp)];
    model.mapping_capacity = status_.mapping_capacity;
    model.sessions = status_.sessions;
    model.session_capacity = status_.session_capacity;
    model.buffers = status_.buffers;
    model.buffers_free = status_.buffers_free;
    model.events_lost = status_.events_lost;
    model.software_distribution = status_.has_software_distribution != 0;
    model.hugepages = status_.uses_hugepages != 0;
    model.cores = cores_;
    for (std::string& sentence : sentences_of(status_.notes.view())) {
        model.notes.push_back(std::move(sentence));
    }
}

std::vector<InterfaceModel> Snapshot::interfaces(const std::optional<StartSettings>& running,
                                                 const std::optional<World>& applied) const {
    std::vector<InterfaceModel> models;
    const double elapsed_s =
        before_ ? std::chrono::duration<double>(now_.when - before_->when).count() : 0;
    for (std::size_t id = 0; running && id < running->port_count; ++id) {
        const PortStart& port = running->ports[id];
        InterfaceModel model;
        model.name = port.name.str();
        model.driver = name_of(port.driver);
        model.mtu_bytes = port.mtu_bytes;
        const auto row = std::find_if(ports_.begin(), ports_.end(),
                                      [id](const PortRow& other) { return other.id == id; });
        if (row != ports_.end()) {
            model.driver = name_of(row->driver);
            model.mac = to_string(row->mac);
            model.is_reported = true;
            model.is_up = row->is_up != 0;
            model.has_host = row->has_host != 0;
            model.mtu_bytes = row->mtu_bytes;
            model.receive_queues = row->receive_queues;
            model.transmit_queues = row->transmit_queues;
            model.notes = row->notes.str();
        }
        model.role = name_of(applied ? applied->interfaces[id].role : Role::neutral);
        if (applied) {
            model.addresses = addresses_of(applied->interfaces[id]);
        }
        const InterfaceRow& sum = now_.interfaces[id];
        model.receive_packets = sum.receive_packets;
        model.receive_bytes = sum.receive_bytes;
        model.transmit_packets = sum.transmit_packets;
        model.transmit_bytes = sum.transmit_bytes;
        model.address_conflicts = sum.address_conflicts;
        if (before_) {
            const InterfaceRow& earlier = before_->interfaces[id];
            model.receive_bits_per_s =
                8 * per_second(sum.receive_bytes, earlier.receive_bytes, elapsed_s);
            model.transmit_bits_per_s =
                8 * per_second(sum.transmit_bytes, earlier.transmit_bytes, elapsed_s);
        }
        models.push_back(std::move(model));
    }
    return models;
}

std::vector<DropModel> Snapshot::drops() const {
    std::vector<DropModel> models;
    const double elapsed_s =
        before_ ? std::chrono::duration<double>(now_.when - before_->when).count() : 0;
    for (const ReasonRow& row : reasons_) {
        const std::uint64_t total = row.kind == ReasonKind::drop ? now_.drops[row.index] : 0;
        if (total != 0) {
            models.push_back(
                {row.name.str(), row.help.str(), total,
                 before_ ? per_second(total, before_->drops[row.index], elapsed_s) : 0});
        }
    }
    std::stable_sort(
        models.begin(), models.end(),
        [](const DropModel& left, const DropModel& right) { return left.total > right.total; });
    return models;
}

std::vector<StageModel> Snapshot::stages() const {
    std::vector<StageModel> models;
    for (const ReasonRow& row : reasons_) {
        if (row.kind == ReasonKind::stage) {
            models.push_back(
                {row.name.str(), now_.stages[row.index].packets, now_.stages[row.index].cycles});
        }
    }
    return models;
}

MappingModel mapping_model(const MappingRow& row) {
    MappingModel model;
    model.protocol = name_of(row.kind);
    model.inside = row.inside.endpoint();
    model.outside = row.outside.endpoint();
    model.filtering = name_of(row.filtering);
    model.worker = row.worker;
    model.age_s = row.age_s;
    model.idle_s = row.idle_s;
    model.expires_s = row.expires_s;
    model.is_tracked = row.is_tracked != 0;
    model.sessions = row.sessions;
    return model;
}

MappingModel mapping_model(const NatLookupReply& reply) {
    MappingModel model = mapping_model(reply.mapping);
    for (std::size_t i = 0; i < reply.remote_count; ++i) {
        const RemoteRow& row = reply.remotes[i];
        model.remotes.push_back(
            {row.remote.endpoint(), std::string{name_of(row.state)}, row.idle_s});
    }
    return model;
}

PortUsageModel port_usage_model(const PortUsageRow& row) {
    PortUsageModel model;
    model.address = row.address;
    model.protocol = name_of(row.kind);
    model.in_use = row.in_use;
    model.free = row.free;
    model.reserved = row.not_for_mappings;
    model.held_down = row.held_down;
    model.failures = row.failures;
    return model;
}

NeighborModel neighbor_model(const NeighborRow& row, const std::optional<StartSettings>& running) {
    static constexpr std::array<std::string_view, static_cast<std::size_t>(NeighborState::count)>
        kStates{"incomplete", "reachable", "stale", "probe", "failed"};
    NeighborModel model;
    if (running && row.interface < running->port_count) {
        model.interface = running->ports[row.interface].name.str();
    }
    model.address = row.address.address();
    model.mac = row.mac;
    model.state = kStates[static_cast<std::size_t>(row.state)];
    model.age_s = row.age_s;
    return model;
}

}  // namespace towpath::control
