// SPDX-License-Identifier: BSD-3-Clause
#include <array>

#include "config/encoding.h"
#include "config/options.h"
#include "config/reading.h"
#include "config/tunnel_scalar.h"

namespace towpath::config {
namespace {

Tunnel& current(Reading& reading) {
    return reading.config.tunnels.back();
}
Peer& current_peer(Reading& reading) {
    return current(reading).peers.back();
}

// The path of a secret's file. What stands there instead may be the secret itself: it is not
// quoted.
void read_key_file(std::string& target, Reading& reading, const Node& node) {
    constexpr std::string_view kScheme = "file:";
    const bool is_file = node.kind == Node::Kind::scalar && node.text.starts_with(kScheme) &&
                         node.text.size() > kScheme.size();
    if (!is_file) {
        reading.refuse(node, reading.path +
                                 " must be file:PATH: this file may be read by more people than a "
                                 "key should be");
        return;
    }
    target = node.text.substr(kScheme.size());
}

template <class T, class Parse>
void read_list(std::vector<T>& target, Reading& reading, const Node& node, const Parse& parse) {
    reading.each_word(node, [&](const Node& item) {
        T value;
        const bool is_taken = reading.take(value, item, parse);
        if (is_taken) {
            target.push_back(value);
        }
        return is_taken;
    });
}

void read_name(Reading& reading, const Option&, const Node& key) {
    Tunnel& tunnel = reading.config.tunnels.emplace_back();
    if (!reading.take(tunnel.name, key, parse_interface_name)) {
        tunnel.name = printable(key.text);
    }
}

void read_config(Reading& reading, const Option&, const Node& node) {
    if (reading.word(node)) {
        current(reading).config_file = node.text;
    }
}

void read_private_key(Reading& reading, const Option&, const Node& node) {
    read_key_file(current(reading).private_key_file, reading, node);
}

void read_listen_port(Reading& reading, const Option&, const Node& node) {
    reading.take(current(reading).listen_port, node,
                 [](std::string_view text) { return parse_number(text, 1, 65535); });
}

void read_addresses(Reading& reading, const Option&, const Node& node) {
    read_list(current(reading).addresses, reading, node, parse_tunnel_address);
}

void read_mtu(Reading& reading, const Option&, const Node& node) {
    if (node.kind != Node::Kind::scalar || node.text != "auto") {
        reading.take(current(reading).mtu_bytes, node,
                     [](std::string_view text) { return parse_number(text, 576, 9216); });
    }
}

void read_table(Reading& reading, const Option& option, const Node& node) {
    if (const auto index = reading.choice(option, node)) {
        current(reading).has_routes = *index == 0;
    }
}

void read_re_resolve(Reading& reading, const Option&, const Node& node) {
    reading.take(current(reading).re_resolve, node, parse_duration);
}

void read_advertise(Reading& reading, const Option&, const Node&) {
    current(reading).advertise.emplace();
}

void read_advertised_routes(Reading& reading, const Option&, const Node& node) {
    read_list(current(reading).advertise->routes, reading, node, parse_any_prefix);
}

void read_exit_node(Reading& reading, const Option&, const Node& node) {
    reading.take(current(reading).advertise->is_exit_node, node, parse_boolean);
}

void read_source_nat_default(Reading& reading, const Option& option, const Node& node) {
    if (const auto index = reading.choice(option, node)) {
        current(reading).source_nat.is_interface = *index == 1;
    }
}

void read_source_nat_except(Reading& reading, const Option&, const Node& node) {
    read_list(current(reading).source_nat.except, reading, node, parse_any_prefix);
}

void read_stateful(Reading& reading, const Option&, const Node& node) {
    reading.take(current(reading).is_stateful, node, parse_boolean);
}

void read_peer(Reading& reading, const Option&, const Node&) {
    current(reading).peers.emplace_back();
}

void read_peer_name(Reading& reading, const Option&, const Node& node) {
    if (const auto text = reading.word(node)) {
        current_peer(reading).name = *text;
    }
}

void read_public_key(Reading& reading, const Option&, const Node& node) {
    reading.take(current_peer(reading).public_key, node, parse_key);
}

void read_preshared_key(Reading& reading, const Option&, const Node& node) {
    read_key_file(current_peer(reading).preshared_key_file, reading, node);
}

void read_allowed_ips(Reading& reading, const Option&, const Node& node) {
    read_list(current_peer(reading).allowed_ips, reading, node, parse_any_prefix);
}

void read_endpoint(Reading& reading, const Option&, const Node& node) {
    reading.take(current_peer(reading).endpoint, node, parse_peer_endpoint);
}

void read_keepalive(Reading& reading, const Option&, const Node& node) {
    auto& interval = current_peer(reading).persistent_keepalive;
    if (node.kind == Node::Kind::scalar && node.text == "off") {
        interval = {};
    } else if (reading.take(interval, node, parse_duration) &&
               interval > std::chrono::seconds{65535}) {
        reading.refuse(node, node.text + " is out of range: 1s..65535s");
    }
}

constexpr std::array kOptions{
    Option{"wireguard", Value::named_sections, "", "", Reload::live,
           "WireGuard interfaces, by a name of your own; at most 16.", read_name},
    Option{"wireguard.*.config", Value::text, "", "", Reload::live,
           "A wg-quick file, read as it is; instead of the keys below down to peers.", read_config},
    Option{"wireguard.*.private-key", Value::text, "", "", Reload::live,
           "file:PATH of the private key in base64; only its owner may read the file.",
           read_private_key},
    Option{"wireguard.*.listen-port", Value::number, "51820", "", Reload::live,
           "UDP port of this interface alone; never given to a mapping.", read_listen_port},
    Option{"wireguard.*.addresses", Value::word_list, "", "", Reload::live,
           "Addresses of the box inside the tunnel, with the length of their network.",
           read_addresses},
    Option{"wireguard.*.mtu", Value::number, "auto", "", Reload::live,
           "Largest packet inside the tunnel in bytes, 576..9216; auto is what the underlay "
           "leaves, at most 1420.",
           read_mtu},
    Option{"wireguard.*.table", Value::choice, "auto", "auto|off", Reload::live,
           "auto: the allowed IPs of peers are routes; off: they are not.", read_table},
    Option{"wireguard.*.peers", Value::list_of_sections, "", "", Reload::live,
           "Who is at the other end, at most 65536.", read_peer},
    Option{"wireguard.*.peers[].name", Value::word, "", "", Reload::live,
           "What the peer is called in output; its public key if not given.", read_peer_name},
    Option{"wireguard.*.peers[].public-key", Value::word, "", "", Reload::live,
           "The peer's public key in base64.", read_public_key, true},
    Option{"wireguard.*.peers[].preshared-key", Value::text, "", "", Reload::live,
           "file:PATH of a second, symmetric key in base64.", read_preshared_key},
    Option{"wireguard.*.peers[].allowed-ips", Value::word_list, "", "", Reload::live,
           "Prefixes of the peer: sources that it may use, destinations that go to it.",
           read_allowed_ips},
    Option{"wireguard.*.peers[].endpoint", Value::word, "", "", Reload::live,
           "Where the peer is, as in vpn.example.org:51820; not needed if it calls us.",
           read_endpoint},
    Option{"wireguard.*.peers[].persistent-keepalive", Value::duration, "off", "", Reload::live,
           "A packet after this much silence, 1s..65535s, to keep a NAT before us open.",
           read_keepalive},
    Option{"wireguard.*.re-resolve", Value::duration, "30s", "", Reload::live,
           "How often names of endpoints are looked up again while a peer does not answer.",
           read_re_resolve},
    Option{"wireguard.*.advertise", Value::section, "", "", Reload::live,
           "What peers may reach through this box; everything routed if not given.",
           read_advertise},
    Option{"wireguard.*.advertise.routes", Value::word_list, "", "", Reload::live,
           "Prefixes, at most 256.", read_advertised_routes},
    Option{"wireguard.*.advertise.exit-node", Value::boolean, "false", "", Reload::live,
           "The internet, too.", read_exit_node},
    Option{"wireguard.*.source-nat", Value::section, "", "", Reload::live,
           "Whose IPv4 address hosts behind interfaces other than the outside one see."},
    Option{
        "wireguard.*.source-nat.default", Value::choice, "none", "none|interface", Reload::live,
        "none: the peer's own; interface: the first of the interface it leaves by, so that hosts "
        "there need no route to the peers.",
        read_source_nat_default},
    Option{"wireguard.*.source-nat.except", Value::word_list, "", "", Reload::live,
           "IPv4 destinations for which it is the other way round, at most 256.",
           read_source_nat_except},
    Option{"wireguard.*.stateful", Value::boolean, "false", "", Reload::live,
           "true: what is not translated is tracked; peers begin, and only answers to them come "
           "back. Not for tunnels with IPv6.",
           read_stateful},
};

}  // namespace

std::span<const Option> wireguard_options() noexcept {
    return kOptions;
}

}  // namespace towpath::config
