// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/metrics.h"

#include <algorithm>
#include <utility>

#include "control/api/metrics_page.h"
#include "control/api/render.h"

namespace towpath::control::api {
namespace {

void add_health(Page& page, const StatusModel& status) {
    page.gauge("towpath_build_info", "Versions of the running processes.")
        .sample(1, {{"version", status.version}, {"dataplane_version", status.dataplane_version}});
    page.gauge("towpath_up", "1 while the data plane forwards.")
        .sample(status.dataplane == DataplaneLink::forwarding ? 1 : 0);
    page.gauge("towpath_config_last_reload_successful", "1 if the last reload was accepted.")
        .sample(status.last_reload_ok ? 1 : 0);
    page.gauge("towpath_config_generation", "Configuration generation that is applied.")
        .sample(as_double(status.generation));
    page.counter("towpath_dataplane_restarts_total", "Restarts of the data plane that were seen.")
        .sample(status.dataplane_restarts);
    page.gauge("towpath_worker_busy_ratio", "Share of the last second that a worker was busy.");
    for (const CoreStatus& core : status.cores) {
        page.sample(core.busy_ratio,
                    {{"core", std::to_string(core.core)}, {"worker", std::to_string(core.worker)}});
    }
    page.gauge("towpath_mempool_buffers", "Packet buffers by state.")
        .sample(as_double(status.buffers_free), {{"state", "free"}})
        .sample(as_double(status.buffers - std::min(status.buffers, status.buffers_free)),
                {{"state", "in_use"}});
}

template <class Value>
void add_per_interface(Page& page, const std::vector<InterfaceModel>& interfaces,
                       Value InterfaceModel::*member) {
    for (const InterfaceModel& interface : interfaces) {
        page.sample(static_cast<double>(interface.*member), {{"interface", interface.name}});
    }
}

void add_interfaces(Page& page, std::vector<InterfaceModel> interfaces) {
    page.gauge("towpath_interface_info", "What an interface is.");
    for (const InterfaceModel& interface : interfaces) {
        page.sample(1, {{"interface", interface.name},
                        {"driver", interface.driver},
                        {"mac", interface.mac},
                        {"role", interface.role}});
    }
    add_per_interface(page.gauge("towpath_interface_up", "1 while the link is up."), interfaces,
                      &InterfaceModel::is_up);
    add_per_interface(page.gauge("towpath_interface_mtu_bytes", "Largest IPv4 packet."), interfaces,
                      &InterfaceModel::mtu_bytes);
    // A counter that nobody reports is absent: its zero would look like a restart.
    std::erase_if(interfaces,
                  [](const InterfaceModel& interface) { return !interface.is_reported; });
    add_per_interface(page.counter("towpath_interface_receive_packets_total", "Packets received."),
                      interfaces, &InterfaceModel::receive_packets);
    add_per_interface(page.counter("towpath_interface_receive_bytes_total", "Bytes received."),
                      interfaces, &InterfaceModel::receive_bytes);
    add_per_interface(page.counter("towpath_interface_transmit_packets_total", "Packets sent."),
                      interfaces, &InterfaceModel::transmit_packets);
    add_per_interface(page.counter("towpath_interface_transmit_bytes_total", "Bytes sent."),
                      interfaces, &InterfaceModel::transmit_bytes);
    add_per_interface(
        page.counter("towpath_interface_address_conflicts_total",
                     "ARP and neighbour messages of others that claim one of our addresses."),
        interfaces, &InterfaceModel::address_conflicts);
}

void add_fate(Page& page, const ApiModel& model) {
    page.counter("towpath_dropped_packets_total", "Packets dropped, by reason.");
    for (const DropModel& drop : model.drops()) {
        page.sample(as_double(drop.total), {{"reason", drop.reason}});
    }
    const TotalsModel totals = model.totals();
    page.counter("towpath_received_packets_total", "Packets that entered the pipeline.")
        .sample(as_double(totals.received));
    page.counter("towpath_transmitted_packets_total", "Packets that left the pipeline.")
        .sample(as_double(totals.transmitted));
    page.counter("towpath_punted_packets_total", "Packets given to the host.")
        .sample(as_double(totals.punted), {{"to", "host"}});
    page.counter("towpath_handed_off_packets_total", "Packets passed between workers.")
        .sample(as_double(totals.handed_off));
    page.counter("towpath_checksum_completed_packets_total",
                 "Packets whose checksum the sender had left unfinished.")
        .sample(as_double(totals.checksum_completed));
    page.counter("towpath_icmp_errors_suppressed_total",
                 "ICMP errors not sent about dropped packets: over the rate limit, or repeated.")
        .sample(as_double(totals.icmp_errors_over_rate), {{"reason", "rate"}})
        .sample(as_double(totals.icmp_errors_repeated), {{"reason", "repeated"}});
    page.counter("towpath_stage_packets_total", "Packets seen by a stage of the pipeline.");
    const auto stages = model.stages();
    for (const StageModel& stage : stages) {
        page.sample(as_double(stage.packets), {{"stage", stage.stage}});
    }
    page.counter("towpath_stage_cycles_total",
                 "Cycles spent in a stage of the pipeline, from a sample of the bursts.");
    for (const StageModel& stage : stages) {
        page.sample(as_double(stage.cycles), {{"stage", stage.stage}});
    }
}

void add_nat(Page& page, const StatusModel& status, const TotalsModel& totals) {
    page.gauge("towpath_nat_mappings", "Live mappings.")
        .sample(as_double(status.mappings_udp), {{"protocol", "udp"}})
        .sample(as_double(status.mappings_tcp), {{"protocol", "tcp"}})
        .sample(as_double(status.mappings_icmp), {{"protocol", "icmp"}});
    page.gauge("towpath_nat_mapping_limit", "Capacity for mappings.")
        .sample(as_double(status.mapping_capacity));
    page.gauge("towpath_nat_sessions", "Tracked connections.")
        .sample(as_double(status.sessions), {{"protocol", "tcp"}});
    page.gauge("towpath_nat_session_limit", "Capacity for tracked connections.")
        .sample(as_double(status.session_capacity));
    page.counter("towpath_nat_events_lost_total", "Mapping events lost to a full ring.")
        .sample(as_double(status.events_lost));
    page.counter("towpath_nat_mapping_events_total", "Mapping events that control heard.")
        .sample(as_double(totals.mappings_created), {{"event", "created"}})
        .sample(as_double(totals.mappings_deleted), {{"event", "ended"}});
    page.counter("towpath_nat_log_records_total", "Records of the NAT log.")
        .sample(as_double(totals.log_written), {{"result", "written"}})
        .sample(as_double(totals.log_dropped), {{"result", "dropped"}});
}

void add_ports(Page& page, const std::vector<PortUsageModel>& usage) {
    page.gauge("towpath_nat_ports", "Ports of a pool address by state.");
    for (const PortUsageModel& one : usage) {
        const auto add = [&](const char* state, std::uint32_t count) {
            page.sample(count, {{"external_address", towpath::to_string(one.address)},
                                {"protocol", one.protocol},
                                {"state", state}});
        };
        add("in_use", one.in_use);
        add("free", one.free);
        add("reserved", one.reserved);
        add("held", one.held_down);
    }
    page.counter("towpath_nat_port_allocation_failures_total",
                 "Mappings refused because no port was free.");
    for (const PortUsageModel& one : usage) {
        page.sample(as_double(one.failures), {{"external_address", towpath::to_string(one.address)},
                                              {"protocol", one.protocol}});
    }
}

}  // namespace

std::string metrics_text(const ApiModel& model, const std::vector<PortUsageModel>& usage,
                         const std::optional<std::vector<PeerModel>>& peers) {
    Page page;
    const StatusModel status = model.status();
    add_health(page, status);
    add_interfaces(page, model.interfaces());
    add_fate(page, model);
    add_nat(page, status, model.totals());
    add_ports(page, usage);
    add_tunnels(page, model.tunnels(), peers);
    if (peers && model.shows_peer_metrics()) {
        add_peers(page, *peers);
    }
    return page.text();
}

}  // namespace towpath::control::api
