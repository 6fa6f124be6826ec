// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>

#include "config/options.h"
#include "config/reading.h"
#include "config/tunnel_scalar.h"

namespace towpath::config {
namespace {

void read_version(Reading& reading, const Option&, const Node& node) {
    const auto text = reading.word(node);
    if (text && *text != "1") {
        reading.refuse(node, "version " + *text + " is not known: this build reads version 1");
    }
}

void read_cores(Reading& reading, const Option&, const Node& node) {
    if (node.kind == Node::Kind::scalar && node.text == "auto") {
        return;
    }
    auto& cores = reading.config.dataplane.cores;
    reading.each_word(node, [&](const Node& item) {
        std::vector<unsigned> some;
        const bool is_taken = reading.take(some, item, parse_cores);
        if (is_taken) {
            cores.insert(cores.end(), some.begin(), some.end());
        }
        return is_taken;
    });
    std::sort(cores.begin(), cores.end());
    if (std::adjacent_find(cores.begin(), cores.end()) != cores.end()) {
        reading.refuse(node, "dataplane.cores names a core twice");
    }
}

void read_hugepages(Reading& reading, const Option&, const Node& node) {
    Hugepages& hugepages = reading.config.dataplane.hugepages;
    if (node.kind == Node::Kind::scalar && (node.text == "auto" || node.text == "off")) {
        hugepages.mode = node.text == "auto" ? Hugepages::Mode::automatic : Hugepages::Mode::off;
    } else if (reading.take(hugepages.size_bytes, node, parse_bytes)) {
        hugepages.mode = Hugepages::Mode::size;
    }
}

void read_idle(Reading& reading, const Option& option, const Node& node) {
    if (const auto index = reading.choice(option, node)) {
        reading.config.dataplane.idle = static_cast<Idle>(*index);
    }
}

void read_buffers(Reading& reading, const Option&, const Node& node) {
    if (node.kind == Node::Kind::scalar && node.text == "auto") {
        return;
    }
    reading.take(reading.config.dataplane.buffers, node,
                 [](std::string_view text) { return parse_count(text, 1024, 16'777'216); });
}

void read_api(Reading& reading, const Option&, const Node& node) {
    const auto text = reading.word(node);
    if (!text) {
        return;
    }
    constexpr std::string_view kScheme = "unix:";
    constexpr std::size_t kPathBytesMax = 107;  // sun_path with its end
    std::string_view socket = *text;
    if (!socket.starts_with(kScheme) || !socket.substr(kScheme.size()).starts_with('/')) {
        reading.refuse(node, *text + " is not a Unix socket, as in unix:/run/towpath/api.sock");
        return;
    }
    socket.remove_prefix(kScheme.size());
    if (node.text.size() - kScheme.size() > kPathBytesMax || node.text != *text) {
        reading.refuse(node, "the path of the API socket is longer than a Unix socket may have");
        return;
    }
    reading.config.management.api_socket = socket;
}

void read_metrics(Reading& reading, const Option&, const Node& node) {
    reading.take(reading.config.management.metrics, node, parse_endpoint);
}

void read_peer_metrics(Reading& reading, const Option&, const Node& node) {
    reading.take(reading.config.management.has_peer_metrics, node, parse_boolean);
}

void read_host_ports(Reading& reading, const Option&, const Node& node) {
    HostPorts& host_ports = reading.config.host_ports;
    std::vector<PortRange> ranges;
    reading.each_word(node, [&](const Node& item) {
        PortRange range;
        const bool is_taken = reading.take(range, item, parse_port_range);
        if (is_taken) {
            ranges.push_back(range);
        }
        return is_taken;
    });
    // The widest range is where the kernel takes its own ports from; a list of services alone
    // leaves that at its default.
    const auto widest = std::max_element(
        ranges.begin(), ranges.end(),
        [](const PortRange& a, const PortRange& b) { return a.last - a.first < b.last - b.first; });
    if (widest != ranges.end() && widest->first != widest->last) {
        host_ports.ephemeral = *widest;
        ranges.erase(widest);
    }
    host_ports.services = std::move(ranges);
}

void read_local_rule(Reading& reading, const Option&, const Node&) {
    reading.config.local_allow.emplace_back();
}

void read_local_from(Reading& reading, const Option&, const Node& node) {
    LocalRule& rule = reading.config.local_allow.back();
    if (node.kind == Node::Kind::scalar && node.text == "any") {
        return;
    }
    if (node.kind == Node::Kind::scalar && node.text.find('/') != std::string::npos) {
        reading.take(rule.prefix, node, parse_prefix);
    } else {
        reading.take(rule.interface, node, parse_interface_name);
    }
}

void read_local_protocol(Reading& reading, const Option&, const Node& node) {
    reading.take(reading.config.local_allow.back().protocol, node, parse_protocol);
}

void read_local_port(Reading& reading, const Option&, const Node& node) {
    reading.take(reading.config.local_allow.back().ports, node, parse_port_range);
}

void read_route(Reading& reading, const Option&, const Node&) {
    reading.config.routes.emplace_back();
}

void read_route_to(Reading& reading, const Option&, const Node& node) {
    reading.take(reading.config.routes.back().to, node, [](std::string_view text) {
        return text.find(':') != std::string_view::npos
                   ? parse_any_prefix(text)
                   : parse_prefix(text).map([](Ipv4Prefix prefix) { return IpPrefix{prefix}; });
    });
}

void read_route_via(Reading& reading, const Option&, const Node& node) {
    reading.take(reading.config.routes.back().via, node, parse_any_address);
}

void read_route_interface(Reading& reading, const Option&, const Node& node) {
    reading.take(reading.config.routes.back().interface, node, parse_interface_name);
}

constexpr std::array kOptions{
    Option{"version", Value::number, "", "1", Reload::live, "The version of this file's shape: 1.",
           read_version, true},
    Option{"management", Value::section, "", "", Reload::live,
           "How the operator and monitoring reach the control process."},
    Option{"management.api", Value::word, "unix:/run/towpath/api.sock", "", Reload::restart,
           "The Unix socket of the API; api.sock in the run directory if not given.", read_api},
    Option{"management.metrics", Value::word, "", "", Reload::restart,
           "TCP address and port of the Prometheus text, as in 127.0.0.1:9469; off if not given.",
           read_metrics},
    Option{"management.metrics-per-peer", Value::boolean, "false", "", Reload::restart,
           "A series per WireGuard peer in the Prometheus text; else sums per tunnel.",
           read_peer_metrics},
    Option{"dataplane", Value::section, "", "", Reload::restart,
           "Cores, memory and sleep of the data plane; fixed while it runs."},
    Option{"dataplane.cores", Value::word_list, "auto", "", Reload::restart,
           "One worker per core: auto (the cgroup's cpuset and quota decide), 2-5, or a list.",
           read_cores},
    Option{"dataplane.hugepages", Value::bytes, "auto", "auto|off", Reload::restart,
           "Memory in huge pages: auto takes them if there are any, off never, a size asks for it.",
           read_hugepages},
    Option{"dataplane.idle", Value::choice, "adaptive", "adaptive|busy-poll", Reload::restart,
           "adaptive workers sleep when there is nothing to do; busy-poll never sleeps.",
           read_idle},
    Option{"dataplane.buffers", Value::count, "auto", "", Reload::restart,
           "Packet buffers (1024..16777216), or auto.", read_buffers},
    Option{"routes", Value::section, "", "", Reload::live,
           "Where packets go beyond the connected networks."},
    Option{"routes.static", Value::list_of_sections, "", "", Reload::live,
           "Routes written by hand, at most 4096.", read_route},
    Option{"routes.static[].to", Value::word, "", "", Reload::live,
           "The destination prefix; 0.0.0.0/0 is the default route, ::/0 that of IPv6.",
           read_route_to, true},
    Option{"routes.static[].via", Value::word, "", "", Reload::live,
           "The next hop: an address in a connected network, or a link-local one with interface.",
           read_route_via},
    Option{"routes.static[].interface", Value::word, "", "", Reload::live,
           "The interface; needed without via, otherwise found by the next hop.",
           read_route_interface},
    Option{"local", Value::section, "", "", Reload::live, "Who may talk to the box itself."},
    Option{"local.allow", Value::list_of_sections, "", "", Reload::live,
           "What the box accepts from outside besides rate-limited ICMP echo, at most 256 rules.",
           read_local_rule},
    Option{"local.allow[].from", Value::word, "any", "", Reload::live,
           "An interface, a prefix, or any.", read_local_from},
    Option{"local.allow[].protocol", Value::choice, "", "tcp|udp|icmp", Reload::live,
           "The transport protocol.", read_local_protocol, true},
    Option{"local.allow[].port", Value::word, "", "", Reload::live,
           "A port or a range; every port if not given.", read_local_port},
    Option{"host-ports", Value::word_list, "61000-65535", "", Reload::live,
           "Ports of a shared address that belong to the host: a range for its outgoing "
           "connections, and its services. Never given to a mapping.",
           read_host_ports},
};

constexpr std::array kUnavailable{
    Unavailable{"mesh", "tailnet membership is not built yet"},
    Unavailable{"ha", "failover is not built yet"},
    Unavailable{"standby", "failover is not built yet"},
    Unavailable{"metrics", "give management.metrics an address instead"},
    Unavailable{"management.interface",
                "interfaces that are not listed already stay with the kernel"},
    Unavailable{"routes.import", "write routes.static; kernel routes are not followed"},
    Unavailable{"interfaces.*.vlans", "VLAN interfaces are not built yet"},
    Unavailable{"interfaces.*.match.eni", "match the device by name, pci or mac"},
    Unavailable{"interfaces.*.match.index", "match the device by name, pci or mac"},
    Unavailable{"nat.port-forward", "port forwarding is not built yet"},
    Unavailable{"nat.port-forwards", "port forwarding is not built yet"},
    Unavailable{"nat.port-forwarding", "port forwarding is not built yet"},
    Unavailable{"nat.mapping-protocols", "PCP, NAT-PMP and UPnP are not built yet"},
    Unavailable{"nat.pcp", "PCP is not built yet"},
    Unavailable{"nat.nat-pmp", "NAT-PMP is not built yet"},
    Unavailable{"nat.upnp", "UPnP is not built yet"},
    Unavailable{"nat.log.ipfix", "IPFIX export is not built yet"},
    Unavailable{"nat.log.syslog", "syslog export is not built yet"},
    Unavailable{"nat.limits.ports-per-source", "limits per source are not built yet"},
};

}  // namespace

std::span<const Option> general_options() noexcept {
    return kOptions;
}

std::span<const Unavailable> unavailable_options() noexcept {
    return kUnavailable;
}

const Option* find_option(std::string_view path) noexcept {
    for (const auto options :
         {general_options(), interface_options(), nat_options(), wireguard_options()}) {
        for (const Option& option : options) {
            if (option.path == path) {
                return &option;
            }
        }
    }
    return nullptr;
}

}  // namespace towpath::config
