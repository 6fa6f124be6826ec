// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "control/cli/field.h"
#include "control/cli/view.h"

namespace towpath::control::cli {
namespace {

namespace json = boost::json;

bool is_forwarding(const json::value& status) {
    return text_at(status, "/dataplane/state") == "forwarding";
}

bool is_any_up(const json::value& status) {
    const json::array& interfaces = list_at(status, "/interfaces");
    return std::any_of(interfaces.begin(), interfaces.end(),
                       [](const json::value& interface) { return flag_at(interface, "/up"); });
}

std::string head_line(const json::value& status, const Palette& palette) {
    const bool is_good = is_forwarding(status);
    const bool is_silent = text_at(status, "/dataplane/state") == "not answering";
    std::string line = palette.paint(Color::bold, "towpath " + text_at(status, "/version"));
    line += "   up " + duration(count_at(status, "/control/uptime_s")) + "   data plane: " +
            palette.paint(is_good ? Color::green : Color::red, text_at(status, "/dataplane/state"));
    if (is_good) {
        line += " for " + duration(count_at(status, "/dataplane/uptime_s"));
    } else if (is_silent) {
        line += " for " + std::to_string(count_at(status, "/dataplane/silent_s")) + " s";
    }
    return line + "\nconfig   " + text_at(status, "/control/config_file") + "   generation " +
           std::to_string(count_at(status, "/control/generation")) + "\n";
}

std::string interface_lines(const json::value& status) {
    Table table{{Align::left, Align::left, Align::left, Align::left, Align::left, Align::right,
                 Align::left, Align::right, Align::left}};
    for (const json::value& interface : list_at(status, "/interfaces")) {
        // At least as wide as the labels of the lines around it.
        std::string name = text_at(interface, "/name");
        name.resize(std::max<std::size_t>(name.size(), 7), ' ');
        table.row({name, text_at(interface, "/driver"), text_at(interface, "/role"),
                   words_at(interface, "/addresses", " "),
                   flag_at(interface, "/up") ? "up" : "down",
                   bit_rate(real_at(interface, "/receive_bits_per_s")), "in",
                   bit_rate(real_at(interface, "/transmit_bits_per_s")), "out"});
    }
    return table.text();
}

std::string tunnel_lines(const json::value& status) {
    Table table{{Align::left, Align::left, Align::left, Align::left, Align::left, Align::left}};
    for (const json::value& tunnel : list_at(status, "/tunnels")) {
        std::string name = text_at(tunnel, "/name");
        name.resize(std::max<std::size_t>(name.size(), 7), ' ');
        table.row({name, "wireguard", "port " + std::to_string(count_at(tunnel, "/listen_port")),
                   words_at(tunnel, "/addresses", " "),
                   "peers " + grouped(count_at(tunnel, "/peers_up")) + " up of " +
                       grouped(count_at(tunnel, "/peers")),
                   "mtu " + std::to_string(count_at(tunnel, "/mtu_bytes"))});
    }
    return table.text();
}

std::string worker_line(const json::value& status) {
    std::string line = "workers";
    for (const json::value& core : list_at(status, "/cores")) {
        line += "  core " + std::to_string(count_at(core, "/core")) + " busy " +
                percent(real_at(core, "/busy_ratio"));
    }
    const std::string distribution = text_at(status, "/dataplane/distribution");
    line += distribution == "device" || distribution.empty() ? "" : "   " + distribution;
    const double capacity = real_at(status, "/buffers/capacity");
    const double used = capacity - real_at(status, "/buffers/free");
    line += "   buffers " + percent(capacity > 0 ? used / capacity : 0) + " in use   huge pages " +
            (flag_at(status, "/dataplane/hugepages") ? "yes" : "no");
    return line + "\n";
}

std::string nat_line(const json::value& status) {
    return "nat      mappings " + grouped(count_at(status, "/mappings/udp")) + " udp  " +
           grouped(count_at(status, "/mappings/tcp")) + " tcp  " +
           grouped(count_at(status, "/mappings/icmp")) + " icmp / " +
           grouped(count_at(status, "/mappings/capacity")) + "   sessions " +
           grouped(count_at(status, "/sessions/in_use")) + " / " +
           grouped(count_at(status, "/sessions/capacity")) + "\n";
}

std::string packet_line(const json::value& status) {
    return "packets  received " + grouped(count_at(status, "/totals/received")) + "  transmitted " +
           grouped(count_at(status, "/totals/transmitted")) + "  to the host " +
           grouped(count_at(status, "/totals/punted")) + "  dropped " +
           grouped(count_at(status, "/totals/dropped")) + "\n";
}

// Empty while every ICMP error that was due went out.
std::string suppressed_line(const json::value& answer) {
    const std::uint64_t over_rate = count_at(answer, "/totals/icmp_errors_over_rate");
    const std::uint64_t repeated = count_at(answer, "/totals/icmp_errors_repeated");
    return over_rate + repeated == 0
               ? ""
               : "\nICMP errors about them that were not sent: " + grouped(over_rate) +
                     " over the rate limit, " + grouped(repeated) + " repeated within a second\n";
}

// Empty while nobody claims an address of ours.
std::string conflict_on(const json::value& interface) {
    const std::uint64_t conflicts = count_at(interface, "/address_conflicts");
    return conflicts == 0 ? ""
                          : "another station claims one of our addresses (" + grouped(conflicts) +
                                " ARP messages): look for a duplicate address";
}

std::string warnings(const json::value& status, const Palette& palette) {
    std::string lines;
    const auto warn = [&](const std::string& text) {
        lines += palette.paint(Color::yellow, "WARN") + "  " + text + "\n";
    };
    if (text_at(status, "/dataplane/state") == "disconnected") {
        warn("the data plane does not answer: is towpathd running?");
    }
    if (text_at(status, "/dataplane/state") == "not answering") {
        warn("towpathd is there but hangs or is stopped: figures are from before");
    }
    // Without a data plane that answers nothing is known of a link.
    if (is_forwarding(status)) {
        for (const json::value& interface : list_at(status, "/interfaces")) {
            if (!flag_at(interface, "/up")) {
                warn(text_at(interface, "/name") + " is down");
            }
        }
        if (!is_any_up(status)) {
            warn("no interface is up: nothing is forwarded");
        }
        for (const json::value& hop : list_at(status, "/dead_next_hops")) {
            warn("next hop " + text_at(hop, "/address") + " of " + text_at(hop, "/routes") +
                 " by " + text_at(hop, "/interface") + " does not answer: nothing leaves that way");
        }
    }
    if (!flag_at(status, "/control/last_reload_ok")) {
        warn("the last reload was refused, the configuration before it is in force: " +
             text_at(status, "/control/last_reload_error"));
    }
    if (const std::string refusal = text_at(status, "/control/last_refusal"); !refusal.empty()) {
        warn("the data plane refused: " + refusal);
    }
    if (const auto restarts = count_at(status, "/dataplane/restarts"); restarts > 0) {
        warn("the data plane was restarted " + std::to_string(restarts) +
             (restarts == 1 ? " time" : " times"));
    }
    if (const auto lost = count_at(status, "/events_lost"); lost > 0) {
        warn(grouped(lost) + " mapping events were lost to a full ring");
    }
    for (const json::value& interface : list_at(status, "/interfaces")) {
        if (const std::string conflict = conflict_on(interface); !conflict.empty()) {
            warn(text_at(interface, "/name") + ": " + conflict);
        }
    }
    if (const auto dropped = count_at(status, "/totals/nat_log_dropped"); dropped > 0) {
        warn(grouped(dropped) + " records of the NAT log were dropped: its reader is too slow");
    }
    const double mappings = real_at(status, "/mappings/udp") + real_at(status, "/mappings/tcp") +
                            real_at(status, "/mappings/icmp");
    const double capacity = real_at(status, "/mappings/capacity");
    if (capacity > 0 && mappings > 0.8 * capacity) {
        warn("the mapping table is " + percent(mappings / capacity) +
             " full: raise nat.limits.mappings");
    }
    // What was last heard of a data plane that is gone says nothing about now.
    const double exhausted_per_s = real_at(status, "/nat_port_exhausted_per_s");
    if (is_healthy(status) && exhausted_per_s > 0) {
        warn("nat_port_exhausted is rising (" + per_second(exhausted_per_s) +
             "/s): add an address to nat.pool  (towpath nat ports says which is full)");
    }
    for (const json::value& note : list_at(status, "/notes")) {
        lines += "note  " + text_at(note, "") + "\n";
    }
    return lines.empty() ? lines : "\n" + lines;
}

}  // namespace

bool is_healthy(const json::value& answer) {
    return is_forwarding(answer) && is_any_up(answer);
}

std::string show_status(const json::value& answer, const Palette& palette) {
    return head_line(answer, palette) + interface_lines(answer) + tunnel_lines(answer) +
           worker_line(answer) + nat_line(answer) + packet_line(answer) + warnings(answer, palette);
}

std::string show_interfaces(const json::value& answer, const Palette& palette) {
    std::string text;
    for (const json::value& interface : list_at(answer, "/interfaces")) {
        const bool is_up = flag_at(interface, "/up");
        text += palette.paint(Color::bold, text_at(interface, "/name")) + "  " +
                text_at(interface, "/driver") + "  " + text_at(interface, "/role") + "  " +
                palette.paint(is_up ? Color::green : Color::red, is_up ? "up" : "down") + "  " +
                words_at(interface, "/addresses", " ") + "\n";
        text += "  mac " + text_at(interface, "/mac") + "  mtu " +
                std::to_string(count_at(interface, "/mtu_bytes")) + "  queues " +
                std::to_string(count_at(interface, "/receive_queues")) + " in " +
                std::to_string(count_at(interface, "/transmit_queues")) + " out" +
                (flag_at(interface, "/host") ? "  host tap" : "") + "\n";
        Table table{
            {Align::left, Align::right, Align::left, Align::right, Align::left, Align::right}};
        for (const std::string_view side : {"receive", "transmit"}) {
            const std::string path = "/" + std::string{side};
            table.row({"  " + std::string{side == "receive" ? "in" : "out"},
                       grouped(count_at(interface, path + "_packets")), "pkts",
                       grouped(count_at(interface, path + "_bytes")), "bytes",
                       bit_rate(real_at(interface, path + "_bits_per_s"))});
        }
        text += table.text();
        if (const std::string notes = text_at(interface, "/notes"); !notes.empty()) {
            text += "  note " + notes + "\n";
        }
        if (const std::string conflict = conflict_on(interface); !conflict.empty()) {
            text += "  note " + conflict + "\n";
        }
    }
    return text.empty() ? "no interfaces\n" : text;
}

std::string show_routes(const json::value& answer, const Palette&) {
    const auto& routes = list_at(answer, "/routes");
    if (routes.empty()) {
        return "no route\n";
    }
    Table table{{Align::left, Align::left, Align::left, Align::left}};
    table.row({"TO", "VIA", "INTERFACE", "FROM"});
    for (const json::value& route : routes) {
        const std::string origin = text_at(route, "/origin");
        const std::string interface = text_at(route, "/interface");
        const std::string via = text_at(route, "/via");
        table.row({text_at(route, "/to"), via.empty() ? "-" : via,
                   interface.empty() ? "refused" : interface,
                   origin == "allowed-ips" ? "peer " + text_at(route, "/peer")
                   : origin == "own"       ? "this box"
                                           : origin});
    }
    const std::uint64_t total = count_at(answer, "/total");
    const std::string more =
        total > routes.size() ? "and " + grouped(total - routes.size()) + " more: --limit N\n" : "";
    return table.text() + more;
}

std::string show_neighbors(const json::value& answer, const Palette&) {
    const json::array& neighbors = list_at(answer, "/neighbours");
    if (neighbors.empty()) {
        return "no neighbours\n";
    }
    Table table{{Align::left, Align::left, Align::left, Align::left, Align::right}};
    table.row({"INTERFACE", "ADDRESS", "MAC", "STATE", "AGE"});
    for (const json::value& neighbor : neighbors) {
        const std::string mac = text_at(neighbor, "/mac");
        table.row({text_at(neighbor, "/interface"), text_at(neighbor, "/address"),
                   mac.empty() ? "-" : mac, text_at(neighbor, "/state"),
                   mac.empty() ? "-" : duration(count_at(neighbor, "/age_s"))});
    }
    return table.text();
}

std::string show_drops(const json::value& answer, const Palette&) {
    Table table{{Align::left, Align::right, Align::right, Align::left}};
    table.row({"REASON", "TOTAL", "/s", "MEANING"});
    bool has_any = false;
    for (const json::value& drop : list_at(answer, "/drops")) {
        if (count_at(drop, "/total") == 0) {
            continue;
        }
        has_any = true;
        table.row({text_at(drop, "/reason"), grouped(count_at(drop, "/total")),
                   per_second(real_at(drop, "/per_second")), text_at(drop, "/help")});
    }
    return (has_any ? table.text() : "nothing was dropped\n") + suppressed_line(answer);
}

}  // namespace towpath::control::cli
