// SPDX-License-Identifier: BSD-3-Clause
#include <array>

#include "config/options.h"
#include "config/reading.h"

namespace towpath::config {
namespace {

constexpr std::string_view kFilteringChoices =
    "endpoint-independent|address-dependent|address-and-port-dependent";

void read_nat(Reading& reading, const Option&, const Node&) {
    reading.config.nat.is_enabled = true;
}

void read_mode(Reading& reading, const Option& option, const Node& node) {
    static_cast<void>(reading.choice(option, node));
}

void read_inside(Reading& reading, const Option&, const Node& node) {
    reading.each_word(node, [&](const Node& item) {
        std::string name;
        const bool is_taken = reading.take(name, item, parse_interface_name);
        if (is_taken) {
            reading.config.nat.inside.push_back(name);
        }
        return is_taken;
    });
}

void read_outside(Reading& reading, const Option&, const Node& node) {
    reading.take(reading.config.nat.outside, node, parse_interface_name);
}

Scalar<PoolEntry> parse_pool_entry(std::string_view text) {
    // Names may start with a digit, but then hold no two dots.
    const bool is_numeric = text.find_first_not_of("0123456789./-") == std::string_view::npos;
    if (!is_numeric) {
        auto name = parse_interface_name(text);
        if (!name) {
            return tl::unexpected<std::string>{
                " is not a pool entry: an interface, an address, a range or a prefix"};
        }
        return PoolEntry{std::move(*name), {}, {}};
    }
    if (text.find('/') != std::string_view::npos) {
        const auto prefix = parse_prefix(text);
        if (!prefix) {
            return tl::unexpected{prefix.error()};
        }
        return PoolEntry{{}, prefix->address(), prefix->broadcast()};
    }
    const std::size_t dash = text.find('-');
    const auto first = parse_address(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_address(text.substr(dash + 1));
    if (!first || !last) {
        return tl::unexpected<std::string>{
            " is not a pool entry: an interface, an address, a range or a prefix"};
    }
    if (*first > *last) {
        return tl::unexpected<std::string>{" starts after its end (BAD-CFG-02)"};
    }
    return PoolEntry{{}, *first, *last};
}

void read_pool(Reading& reading, const Option&, const Node& node) {
    reading.each_word(node, [&](const Node& item) {
        PoolEntry entry;
        const bool is_taken = reading.take(entry, item, parse_pool_entry);
        if (is_taken) {
            reading.config.nat.pool.push_back(entry);
        }
        return is_taken;
    });
    if (node.kind == Node::Kind::sequence && node.items.empty()) {
        reading.refuse(node,
                       "nat.pool is empty (BAD-CFG-01): leave it out for the outside "
                       "interface's addresses, or list some");
    }
}

void read_source(Reading& reading, const Option&, const Node& node) {
    if (node.kind == Node::Kind::scalar && node.text == "auto") {
        return;
    }
    if (node.kind == Node::Kind::scalar && node.text == "vpc") {
        reading.refuse(node,
                       "source 'vpc' is not available in this version: list the prefixes, or leave "
                       "it out for what inside interfaces reach");
        return;
    }
    reading.each_word(node, [&](const Node& item) {
        Ipv4Prefix prefix;
        const bool is_taken = reading.take(prefix, item, parse_prefix);
        if (is_taken) {
            reading.config.nat.source.push_back(prefix);
        }
        return is_taken;
    });
}

void read_ports(Reading& reading, const Option&, const Node& node) {
    reading.take(reading.config.nat.ports, node, parse_port_range);
}

void read_reserve_ports(Reading& reading, const Option&, const Node& node) {
    reading.each_word(node, [&](const Node& item) {
        PortRange range;
        const bool is_taken = reading.take(range, item, parse_port_range);
        if (is_taken) {
            reading.config.nat.reserve_ports.push_back(range);
        }
        return is_taken;
    });
}

void read_filtering(Reading& reading, const Option& option, const Node& node) {
    if (const auto index = reading.choice(option, node)) {
        const auto filtering = static_cast<Filtering>(*index);
        reading.config.nat.filtering = {filtering, filtering, filtering};
    }
}

template <Filtering FilteringByProtocol::*Member>
void read_filtering_of(Reading& reading, const Option& option, const Node& node) {
    if (const auto index = reading.choice(option, node)) {
        reading.config.nat.filtering.*Member = static_cast<Filtering>(*index);
    }
}

template <std::chrono::seconds Timeouts::*Member>
void read_timeout(Reading& reading, const Option&, const Node& node) {
    reading.take(reading.config.nat.timeouts.*Member, node, parse_duration);
}

void read_tcp_transitory(Reading& reading, const Option&, const Node& node) {
    Timeouts& timeouts = reading.config.nat.timeouts;
    if (reading.take(timeouts.tcp_open, node, parse_duration)) {
        timeouts.tcp_close = timeouts.tcp_open;
        reading.locations["nat.timeouts.tcp-open"] = node.position;
        reading.locations["nat.timeouts.tcp-close"] = node.position;
    }
}

template <bool Timeouts::*Member>
void read_timeouts_flag(Reading& reading, const Option&, const Node& node) {
    reading.take(reading.config.nat.timeouts.*Member, node, parse_boolean);
}

template <bool Nat::*Member>
void read_flag(Reading& reading, const Option&, const Node& node) {
    reading.take(reading.config.nat.*Member, node, parse_boolean);
}

constexpr std::uint64_t kEntriesMax = 64ULL * 1024 * 1024;

void read_mappings(Reading& reading, const Option&, const Node& node) {
    reading.take(reading.config.nat.limits.mappings, node,
                 [](std::string_view text) { return parse_count(text, 1024, kEntriesMax); });
}

void read_sessions(Reading& reading, const Option&, const Node& node) {
    reading.take(reading.config.nat.limits.sessions, node,
                 [](std::string_view text) { return parse_count(text, 1024, kEntriesMax); });
}

void read_pool_limit(Reading& reading, const Option&, const Node& node) {
    reading.take(reading.config.nat.limits.pool_addresses, node,
                 [](std::string_view text) { return parse_number(text, 1, kPoolAddressesMax); });
}

void read_mss(Reading& reading, const Option& option, const Node& node) {
    if (const auto index = reading.choice(option, node)) {
        reading.config.nat.clamp_mss = *index == 0;
    }
}

void read_ip_id(Reading& reading, const Option& option, const Node& node) {
    if (const auto index = reading.choice(option, node)) {
        reading.config.nat.rewrite_identification = *index == 0;
    }
}

void read_exhaustion(Reading& reading, const Option& option, const Node& node) {
    if (const auto index = reading.choice(option, node)) {
        reading.config.nat.exhaustion_icmp = static_cast<ExhaustionIcmp>(*index);
    }
}

void read_on_idle(Reading& reading, const Option& option, const Node& node) {
    if (node.kind == Node::Kind::scalar && node.text == "reset") {
        reading.refuse(node, "on-idle-timeout 'reset' is not available in this version");
        return;
    }
    static_cast<void>(reading.choice(option, node));
}

void read_json_log(Reading& reading, const Option& option, const Node& node) {
    if (const auto index = reading.choice(option, node)) {
        reading.config.nat.json_log = static_cast<JsonLog>(*index);
    }
}

constexpr std::array kOptions{
    Option{"nat", Value::section, "", "", Reload::live,
           "Network address translation; without this section packets are only routed.", read_nat},
    Option{"nat.mode", Value::choice, "endpoint-independent", "endpoint-independent", Reload::live,
           "Mapping behaviour; there is one (RFC 4787 REQ-1).", read_mode},
    Option{"nat.inside", Value::word_list, "", "", Reload::live,
           "The interface or interfaces with private hosts.", read_inside, true},
    Option{"nat.outside", Value::word, "", "", Reload::live, "The interface to the internet.",
           read_outside, true},
    Option{"nat.pool", Value::word_list, "the outside interface", "", Reload::live,
           "Public addresses: interfaces, addresses, ranges (a-b) or prefixes; at most 256.",
           read_pool},
    Option{"nat.source", Value::word_list, "auto", "", Reload::live,
           "What may be translated; auto is every prefix reached through inside interfaces.",
           read_source},
    Option{"nat.ports", Value::word, "1024-65535", "", Reload::live,
           "Ports that mappings may hold on each pool address.", read_ports},
    Option{"nat.reserve-ports", Value::word_list, "", "", Reload::live,
           "Ports never handed to a mapping.", read_reserve_ports},
    Option{
        "nat.filtering", Value::choice_or_section, "", kFilteringChoices, Reload::live,
        "Who outside may send to a mapping (RFC 4787 section 5); one for all protocols, or a map.",
        read_filtering},
    Option{"nat.filtering.udp", Value::choice, "endpoint-independent", kFilteringChoices,
           Reload::live, "Filtering of UDP.", read_filtering_of<&FilteringByProtocol::udp>},
    Option{"nat.filtering.tcp", Value::choice, "address-and-port-dependent", kFilteringChoices,
           Reload::live, "Filtering of TCP.", read_filtering_of<&FilteringByProtocol::tcp>},
    Option{"nat.filtering.icmp", Value::choice, "endpoint-independent", kFilteringChoices,
           Reload::live, "Filtering of ICMP queries.",
           read_filtering_of<&FilteringByProtocol::icmp>},
    Option{"nat.timeouts", Value::section, "", "", Reload::live,
           "When idle mappings end; a new value applies from a mapping's next refresh."},
    Option{"nat.timeouts.udp", Value::duration, "5m", "", Reload::live,
           "UDP mapping with traffic both ways; at least 2m (U-05).", read_timeout<&Timeouts::udp>},
    Option{"nat.timeouts.udp-unreplied", Value::duration, "2m", "", Reload::live,
           "UDP mapping without a reply yet; at least 2m (U-05).",
           read_timeout<&Timeouts::udp_unreplied>},
    Option{"nat.timeouts.tcp-established", Value::duration, "2h4m", "", Reload::live,
           "Established TCP connection; at least 2h4m (T-05).",
           read_timeout<&Timeouts::tcp_established>},
    Option{"nat.timeouts.tcp-transitory", Value::duration, "", "", Reload::live,
           "tcp-open and tcp-close in one.", read_tcp_transitory},
    Option{"nat.timeouts.tcp-open", Value::duration, "4m", "", Reload::live,
           "TCP connection that is being opened; at least 4m (T-05).",
           read_timeout<&Timeouts::tcp_open>},
    Option{"nat.timeouts.tcp-close", Value::duration, "4m", "", Reload::live,
           "TCP connection that is being closed; at least 4m (T-05).",
           read_timeout<&Timeouts::tcp_close>},
    Option{"nat.timeouts.icmp", Value::duration, "1m", "", Reload::live,
           "ICMP query; at least 1m (I-02).", read_timeout<&Timeouts::icmp>},
    Option{"nat.timeouts.port-hold", Value::duration, "2m", "", Reload::live,
           "A freed port before it goes to another host; at least 2m (C-08).",
           read_timeout<&Timeouts::port_hold>},
    Option{"nat.timeouts.allow-below-floor", Value::boolean, "false", "", Reload::live,
           "Accept timers below what the RFCs require.",
           read_timeouts_flag<&Timeouts::allow_below_floor>},
    Option{"nat.limits", Value::section, "", "", Reload::restart,
           "Capacities; memory for them is taken at start."},
    Option{"nat.limits.mappings", Value::count, "256Ki", "", Reload::restart,
           "Mappings, 1Ki..64Mi.", read_mappings},
    Option{"nat.limits.sessions", Value::count, "256Ki", "", Reload::restart,
           "Tracked connections, 1Ki..64Mi.", read_sessions},
    Option{"nat.limits.pool-addresses", Value::number, "16", "", Reload::restart,
           "Pool addresses that a reload may grow to, 1..256.", read_pool_limit},
    Option{"nat.hairpin", Value::boolean, "true", "", Reload::live,
           "Private hosts reach each other by their public endpoints (RFC 4787 REQ-9).",
           read_flag<&Nat::hairpin>},
    Option{"nat.tcp-mss", Value::choice, "auto", "auto|off", Reload::live,
           "auto lowers the MSS of SYN segments, both ways, to what fits.", read_mss},
    Option{"nat.ip-id", Value::choice, "rewrite", "rewrite|keep", Reload::live,
           "Identification of packets that may be fragmented (RFC 6864).", read_ip_id},
    Option{"nat.udp-inbound-refresh", Value::boolean, "false", "", Reload::live,
           "Packets from outside keep a UDP mapping alive (U-06a).",
           read_flag<&Nat::udp_inbound_refresh>},
    Option{"nat.exhaustion-icmp", Value::choice, "host-unreachable",
           "host-unreachable|admin-prohibited|silent", Reload::live,
           "What a private host hears when no mapping can be made.", read_exhaustion},
    Option{
        "nat.syn-reject", Value::boolean, "false", "", Reload::live,
        "A TCP SYN from outside that nobody asked for draws port unreachable after 6 s (T-04.2).",
        read_flag<&Nat::reject_syns>},
    Option{"nat.on-idle-timeout", Value::choice, "silent", "silent", Reload::live,
           "What ends of a connection hear when its timer ends it: nothing.", read_on_idle},
    Option{"nat.log", Value::section, "", "", Reload::live,
           "Who had which public endpoint, and when; never a destination."},
    Option{"nat.log.json", Value::choice, "off", "off|stderr", Reload::live,
           "A line of JSON per creation and end of a mapping, on control's standard error.",
           read_json_log},
};

}  // namespace

std::span<const Option> nat_options() noexcept {
    return kOptions;
}

}  // namespace towpath::config
