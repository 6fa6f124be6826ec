// SPDX-License-Identifier: BSD-3-Clause
#include "control/observe/run_lines.h"

namespace towpath::control {
namespace {

void add(std::string& list, const std::string& item) {
    list += (list.empty() ? "" : ", ") + item;
}

std::string long_time(std::uint64_t seconds) {
    const std::uint64_t minutes = seconds / 60;
    const std::uint64_t hours = minutes / 60;
    std::string text = std::to_string(seconds % 60) + " s";
    if (minutes != 0) {
        text = std::to_string(minutes % 60) + " min " + text;
    }
    return hours == 0 ? text : std::to_string(hours) + " h " + text;
}

}  // namespace

std::string running_line(const StatusModel& status, const std::vector<InterfaceModel>& interfaces,
                         const std::vector<TunnelModel>& tunnels) {
    std::string cores;
    for (const CoreStatus& core : status.cores) {
        add(cores, std::to_string(core.core));
    }
    std::string what;
    for (const InterfaceModel& interface : interfaces) {
        add(what, interface.name + " " + interface.driver + " " + interface.role);
    }
    for (const TunnelModel& tunnel : tunnels) {
        add(what, tunnel.name + " wireguard port " + std::to_string(tunnel.listen_port));
    }
    return "the data plane runs " + status.dataplane_version +
           (status.cores.size() == 1 ? " on core " : " on cores ") + cores + ": " + what;
}

std::string stopped_line(const StatusModel& status, const std::vector<TunnelModel>& tunnels) {
    std::string text = "ran for " + long_time(status.control_uptime_s) + ", generation " +
                       std::to_string(status.generation);
    if (status.mapping_capacity == 0) {
        return text + ", never heard of a data plane";
    }
    text += ", mappings " + std::to_string(status.mappings_udp) + " udp " +
            std::to_string(status.mappings_tcp) + " tcp " + std::to_string(status.mappings_icmp) +
            " icmp";
    for (const TunnelModel& tunnel : tunnels) {
        text += ", " + tunnel.name + " " + std::to_string(tunnel.peers_up) + " of " +
                std::to_string(tunnel.peers) + " peers up";
    }
    return text;
}

}  // namespace towpath::control
