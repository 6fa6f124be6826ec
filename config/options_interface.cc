// SPDX-License-Identifier: BSD-3-Clause
#include <array>

#include "config/encoding.h"
#include "config/options.h"
#include "config/reading.h"

namespace towpath::config {
namespace {

Interface& current(Reading& reading) {
    return reading.config.interfaces.back();
}

void read_name(Reading& reading, const Option&, const Node& key) {
    Interface& interface = reading.config.interfaces.emplace_back();
    if (!reading.take(interface.name, key, parse_interface_name)) {
        // Kept under what was written, as word() gives it, so that uses of the name are not errors
        // too.
        interface.name = printable(key.text);
    }
}

void read_match_name(Reading& reading, const Option&, const Node& node) {
    reading.take(current(reading).match.name, node, parse_interface_name);
}

void read_match_pci(Reading& reading, const Option&, const Node& node) {
    reading.take(current(reading).match.pci, node, parse_pci_address);
}

void read_match_mac(Reading& reading, const Option&, const Node& node) {
    reading.take(current(reading).match.mac, node, parse_mac);
}

void read_driver(Reading& reading, const Option& option, const Node& node) {
    if (node.text == "vfio" || node.text == "igb_uio" || node.text == "uio") {
        reading.refuse(node, "driver '" + node.text +
                                 "' is written 'pci': it takes whichever the device is bound to");
        return;
    }
    if (const auto index = reading.choice(option, node)) {
        current(reading).driver = static_cast<Driver>(*index);
    }
}

void read_addresses(Reading& reading, const Option&, const Node& node) {
    if (node.kind == Node::Kind::scalar && (node.text == "metadata" || node.text == "dhcp")) {
        reading.refuse(node, "addresses from " + node.text +
                                 " are not available in this version: list them, as in "
                                 "[10.77.1.1/24]");
        return;
    }
    reading.each_word(node, [&](const Node& item) {
        if (item.text.find(':') != std::string::npos) {
            Ipv6InterfaceAddress address;
            const bool is_taken = reading.take(address, item, parse_ipv6_interface_address);
            if (is_taken) {
                current(reading).ipv6_addresses.push_back(address);
            }
            return is_taken;
        }
        InterfaceAddress address;
        const bool is_taken = reading.take(address, item, parse_interface_address);
        if (is_taken) {
            current(reading).addresses.push_back(address);
        }
        return is_taken;
    });
}

void read_mtu(Reading& reading, const Option&, const Node& node) {
    reading.take(current(reading).mtu_bytes, node, [](std::string_view text) {
        return parse_number(text, kMtuLeast_bytes, kMtuMost_bytes);
    });
}

void read_queues(Reading& reading, const Option&, const Node& node) {
    if (node.kind == Node::Kind::scalar && node.text == "auto") {
        return;
    }
    reading.take(current(reading).queues, node,
                 [](std::string_view text) { return parse_number(text, 1, kCoresMax); });
}

void read_adopt_address(Reading& reading, const Option&, const Node& node) {
    reading.take(current(reading).adopt_address, node, parse_boolean);
}

void read_memif_socket(Reading& reading, const Option&, const Node& node) {
    reading.take(current(reading).memif.socket, node,
                 [](std::string_view text) { return Scalar<std::string>{text}; });
}

void read_memif_role(Reading& reading, const Option& option, const Node& node) {
    if (const auto index = reading.choice(option, node)) {
        current(reading).memif.role = static_cast<Memif::Role>(*index);
    }
}

void read_memif_id(Reading& reading, const Option&, const Node& node) {
    reading.take(current(reading).memif.id, node,
                 [](std::string_view text) { return parse_number(text, 0, UINT32_MAX); });
}

void read_pcap_receive(Reading& reading, const Option&, const Node& node) {
    reading.take(current(reading).pcap.receive, node,
                 [](std::string_view text) { return Scalar<std::string>{text}; });
}

void read_pcap_transmit(Reading& reading, const Option&, const Node& node) {
    reading.take(current(reading).pcap.transmit, node,
                 [](std::string_view text) { return Scalar<std::string>{text}; });
}

void read_kernel_traffic(Reading& reading, const Option&, const Node& node) {
    auto& list = current(reading).kernel_traffic;
    list.clear();
    reading.each_word(node, [&](const Node& item) {
        KernelTraffic traffic;
        const bool is_taken = reading.take(traffic, item, parse_kernel_traffic);
        if (is_taken) {
            list.push_back(traffic);
        }
        return is_taken;
    });
}

constexpr std::array kOptions{
    Option{"interfaces", Value::named_sections, "", "", Reload::restart,
           "The interfaces that the data plane takes, by a name of your own; at most 32.",
           read_name, true},
    Option{"interfaces.*.match", Value::section, "", "", Reload::restart,
           "Which device it is; one key."},
    Option{"interfaces.*.match.name", Value::word, "", "", Reload::restart,
           "The kernel's name of the device.", read_match_name},
    Option{"interfaces.*.match.pci", Value::word, "", "", Reload::restart,
           "The PCI address, as in \"0000:3b:00.0\".", read_match_pci},
    Option{"interfaces.*.match.mac", Value::word, "", "", Reload::restart,
           "The MAC address, as in \"02:00:00:00:00:01\".", read_match_mac},
    Option{"interfaces.*.driver", Value::choice, "auto", "auto|pci|af_xdp|af_packet|memif|tap|pcap",
           Reload::restart,
           "How packets reach it; auto is af_xdp for a kernel device, pci for a bound one.",
           read_driver},
    Option{"interfaces.*.addresses", Value::word_list, "", "", Reload::live,
           "Addresses with the length of their network, at most 16 of IPv4 and 8 of IPv6.",
           read_addresses},
    Option{
        "interfaces.*.mtu", Value::number, "1500", "", Reload::restart,
        "Largest IP packet in bytes, 576..9216; at least 1280 with IPv6. Where it is not written, "
        "that of the device if it is smaller.",
        read_mtu},
    Option{"interfaces.*.queues", Value::number, "auto", "", Reload::restart,
           "Receive queues, 1..16, or auto: one per worker as far as the device has them.",
           read_queues},
    Option{"interfaces.*.adopt-address", Value::boolean, "false", "", Reload::restart,
           "Take the port although the kernel has an address on it.", read_adopt_address},
    Option{"interfaces.*.memif", Value::section, "", "", Reload::restart,
           "The shared-memory link of driver memif."},
    Option{"interfaces.*.memif.socket", Value::text, "", "", Reload::restart,
           "Path of the control socket.", read_memif_socket},
    Option{"interfaces.*.memif.role", Value::choice, "server", "server|client", Reload::restart,
           "Which side listens.", read_memif_role},
    Option{"interfaces.*.memif.id", Value::number, "0", "", Reload::restart,
           "Which of several links on one socket.", read_memif_id},
    Option{"interfaces.*.pcap", Value::section, "", "", Reload::restart,
           "The files of driver pcap."},
    Option{"interfaces.*.pcap.receive", Value::text, "", "", Reload::restart,
           "File whose packets are received.", read_pcap_receive},
    Option{"interfaces.*.pcap.transmit", Value::text, "", "", Reload::restart,
           "File that transmitted packets are written to.", read_pcap_transmit},
    Option{"interfaces.*.kernel-traffic", Value::word_list, "[ssh, dhcp]", "", Reload::restart,
           "With af_xdp: traffic to the interface's addresses that stays with the kernel: ssh, "
           "dhcp, icmp, tcp/PORT, udp/PORT.",
           read_kernel_traffic},
};

}  // namespace

std::span<const Option> interface_options() noexcept {
    return kOptions;
}

}  // namespace towpath::config
