// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/render.h"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

namespace towpath::control::api {
namespace {

namespace json = boost::json;

json::array strings(const std::vector<std::string>& words) {
    json::array array;
    for (const std::string& word : words) {
        array.emplace_back(word);
    }
    return array;
}

json::array changes(const std::vector<ChangeModel>& list) {
    json::array array;
    for (const ChangeModel& change : list) {
        array.push_back(json::object{{"what", change.what}, {"live", change.is_live}});
    }
    return array;
}

}  // namespace

std::string_view to_string(DataplaneLink link) noexcept {
    switch (link) {
        case DataplaneLink::disconnected:
            return "disconnected";
        case DataplaneLink::starting:
            return "starting";
        case DataplaneLink::forwarding:
            return "forwarding";
        case DataplaneLink::not_answering:
            return "not answering";
    }
    return "unknown";
}

json::object document() {
    return {{"schema", 1}};
}

json::object to_json(const StatusModel& status) {
    json::array cores;
    for (const CoreStatus& core : status.cores) {
        cores.push_back(json::object{
            {"worker", core.worker}, {"core", core.core}, {"busy_ratio", core.busy_ratio}});
    }
    json::array dead_next_hops;
    for (const NextHopModel& hop : status.dead_next_hops) {
        dead_next_hops.push_back(json::object{{"interface", hop.interface},
                                              {"address", to_string(hop.address)},
                                              {"routes", hop.routes}});
    }
    return {
        {"version", status.version},
        {"instance", status.instance},
        {"dataplane",
         {{"state", json::string_view{to_string(status.dataplane)}},
          {"version", status.dataplane_version},
          {"silent_s", status.dataplane_silent_s},
          {"uptime_s", status.dataplane_uptime_s},
          {"start_id", status.dataplane_start_id},
          {"restarts", status.dataplane_restarts},
          {"hugepages", status.hugepages},
          {"distribution", status.software_distribution ? "software distribution" : "device"}}},
        {"control",
         {{"uptime_s", status.control_uptime_s},
          {"config_file", status.config_file},
          {"generation", status.generation},
          {"last_reload_ok", status.last_reload_ok},
          {"last_reload_error", status.last_reload_error},
          {"last_refusal", status.last_refusal}}},
        {"cores", std::move(cores)},
        {"buffers", {{"capacity", status.buffers}, {"free", status.buffers_free}}},
        {"mappings",
         {{"udp", status.mappings_udp},
          {"tcp", status.mappings_tcp},
          {"icmp", status.mappings_icmp},
          {"capacity", status.mapping_capacity}}},
        {"sessions", {{"in_use", status.sessions}, {"capacity", status.session_capacity}}},
        {"events_lost", status.events_lost},
        {"dead_next_hops", std::move(dead_next_hops)},
        {"notes", strings(status.notes)},
    };
}

json::object to_json(const InterfaceModel& interface) {
    return {
        {"name", interface.name},
        {"driver", interface.driver},
        {"role", interface.role},
        {"mac", interface.mac},
        {"addresses", strings(interface.addresses)},
        {"up", interface.is_up},
        {"host", interface.has_host},
        {"mtu_bytes", interface.mtu_bytes},
        {"receive_queues", interface.receive_queues},
        {"transmit_queues", interface.transmit_queues},
        {"receive_packets", interface.receive_packets},
        {"receive_bytes", interface.receive_bytes},
        {"transmit_packets", interface.transmit_packets},
        {"transmit_bytes", interface.transmit_bytes},
        {"address_conflicts", interface.address_conflicts},
        {"receive_bits_per_s", interface.receive_bits_per_s},
        {"transmit_bits_per_s", interface.transmit_bits_per_s},
        {"notes", interface.notes},
    };
}

json::object to_json(const RouteModel& route) {
    return {{"to", route.to},
            {"via", route.via},
            {"interface", route.interface},
            {"origin", route.origin},
            {"peer", route.peer}};
}

json::object to_json(const DropModel& drop) {
    return {{"reason", drop.reason},
            {"total", drop.total},
            {"per_second", drop.per_second},
            {"help", drop.help}};
}

json::object to_json(const StageModel& stage) {
    return {{"stage", stage.stage}, {"packets", stage.packets}, {"cycles", stage.cycles}};
}

json::object to_json(const TotalsModel& totals) {
    return {{"received", totals.received},
            {"transmitted", totals.transmitted},
            {"dropped", totals.dropped},
            {"punted", totals.punted},
            {"handed_off", totals.handed_off},
            {"held", totals.held},
            {"checksum_completed", totals.checksum_completed},
            {"icmp_errors_over_rate", totals.icmp_errors_over_rate},
            {"icmp_errors_repeated", totals.icmp_errors_repeated},
            {"mappings_created", totals.mappings_created},
            {"mappings_ended", totals.mappings_deleted},
            {"nat_log_written", totals.log_written},
            {"nat_log_dropped", totals.log_dropped}};
}

json::object to_json(const MappingModel& mapping) {
    json::object object{
        {"protocol", mapping.protocol},
        {"inside", towpath::to_string(mapping.inside)},
        {"outside", towpath::to_string(mapping.outside)},
        {"filtering", mapping.filtering},
        {"worker", mapping.worker},
        {"age_s", mapping.age_s},
        {"idle_s", mapping.idle_s},
        {"tracked", mapping.is_tracked},
    };
    // With sessions it ends with the last of them: there is no time to name.
    if (mapping.is_tracked) {
        object["expires_s"] = nullptr;
        object["sessions"] = mapping.sessions;
    } else {
        object["expires_s"] = mapping.expires_s;
    }
    return object;
}

json::object to_json(const RemoteModel& remote) {
    const bool has_port = remote.remote.port != Port{};
    return {{"remote", has_port ? towpath::to_string(remote.remote)
                                : towpath::to_string(remote.remote.address)},
            {"state", remote.state},
            {"idle_s", remote.idle_s}};
}

json::object to_json(const PortUsageModel& usage) {
    return {{"address", towpath::to_string(usage.address)},
            {"protocol", usage.protocol},
            {"in_use", usage.in_use},
            {"free", usage.free},
            {"reserved", usage.reserved},
            {"held_down", usage.held_down},
            {"failures", usage.failures}};
}

json::object to_json(const NeighborModel& neighbor) {
    json::object object{{"interface", neighbor.interface},
                        {"address", towpath::to_string(neighbor.address)},
                        {"mac", nullptr},
                        {"state", neighbor.state},
                        {"age_s", nullptr}};
    if (neighbor.is_resolved()) {
        object["mac"] = towpath::to_string(neighbor.mac);
        object["age_s"] = neighbor.age_s;
    }
    return object;
}

json::object to_json(const ReloadResult& result) {
    return {{"ok", result.ok},
            {"generation", result.generation},
            {"errors", strings(result.errors)},
            {"warnings", strings(result.warnings)},
            {"applied", changes(result.applied)},
            {"needs_restart", changes(result.needs_restart)}};
}

json::object to_json(const CheckResult& result) {
    return {{"ok", result.ok},
            {"errors", strings(result.errors)},
            {"warnings", strings(result.warnings)}};
}

}  // namespace towpath::control::api
