// SPDX-License-Identifier: BSD-3-Clause
#include <map>

#include "config/derive.h"
#include "config/findings.h"
#include "dataplane/wire/ipv6.h"

namespace towpath::config {
namespace {

std::string path_of(const Interface& interface) {
    return "interfaces." + interface.name;
}

int match_count(const Match& match) {
    return (match.name.empty() ? 0 : 1) + (match.pci.empty() ? 0 : 1) + (match.mac ? 1 : 0);
}

void check_match(Findings& findings, const Interface& interface) {
    const std::string path = path_of(interface);
    const int count = match_count(interface.match);
    const bool is_file_or_memory =
        interface.driver == Driver::memif || interface.driver == Driver::pcap;
    if (is_file_or_memory) {
        if (count != 0) {
            findings.error(path + ".match", path + ".match: this driver has no device to match");
        }
    } else if (count == 0) {
        findings.error(path, path + " needs match: {name: ...}, {pci: ...} or {mac: ...}");
    } else if (count > 1) {
        findings.error(path + ".match", path + ".match has more than one key: give one");
    } else if (interface.driver == Driver::tap && interface.match.name.empty()) {
        findings.error(path + ".match", path + ".match: a tap is made by name");
    } else if (!interface.match.pci.empty() &&
               (interface.driver == Driver::af_xdp || interface.driver == Driver::af_packet)) {
        findings.error(path + ".match.pci",
                       path + ".match: a kernel device is matched by name or mac, not by pci");
    }
}

void check_driver(Findings& findings, const Interface& interface) {
    const std::string path = path_of(interface);
    if (interface.driver == Driver::memif && interface.memif.socket.empty()) {
        findings.error(path, path + ": driver memif needs memif: {socket: PATH}");
    }
    if (interface.driver != Driver::memif && !(interface.memif == Memif{})) {
        findings.error(path + ".memif", path + ".memif is only for driver memif");
    }
    if (interface.driver == Driver::pcap && interface.pcap == Pcap{}) {
        findings.error(path,
                       path + ": driver pcap needs pcap: {receive: FILE} or {transmit: FILE}");
    }
    if (interface.driver != Driver::pcap && !(interface.pcap == Pcap{})) {
        findings.error(path + ".pcap", path + ".pcap is only for driver pcap");
    }
    if (interface.kernel_traffic.size() > kKernelTrafficMax) {
        findings.error(path + ".kernel-traffic",
                       path + ".kernel-traffic lists more than 32 kinds of traffic");
    }
}

// Why a host cannot have this address; empty if it can.
std::string address_fault(const InterfaceAddress& own) {
    const std::uint32_t bits = own.address.bits();
    if (own.address.is_multicast() || bits >> 24U == 127 || bits >> 24U == 0 || bits >> 28U == 15) {
        return " is not an address of a host";
    }
    if (own.prefix.length() < 31 && own.address == own.prefix.address()) {
        return " is the address of the network itself";
    }
    if (own.prefix.length() < 31 && own.address == own.prefix.broadcast()) {
        return " is the broadcast address of its network";
    }
    return {};
}

std::string written(const InterfaceAddress& own) {
    return to_string(own.address) + "/" + std::to_string(own.prefix.length());
}

// Against every address before it: of other interfaces, and of its own.
void check_overlap(Findings& findings, std::size_t interface_index, std::size_t address_index) {
    const auto& interfaces = findings.config().interfaces;
    const Interface& interface = interfaces[interface_index];
    const InterfaceAddress& own = interface.addresses[address_index];
    const std::string path = element(path_of(interface) + ".addresses", address_index);
    for (std::size_t other = 0; other <= interface_index; ++other) {
        const auto& addresses = interfaces[other].addresses;
        const std::size_t end = other == interface_index ? address_index : addresses.size();
        for (std::size_t index = 0; index < end; ++index) {
            if (addresses[index].address == own.address) {
                findings.error(path,
                               written(own) + " is given twice: also on " + interfaces[other].name);
                return;
            }
            if (other != interface_index && addresses[index].prefix.overlaps(own.prefix)) {
                findings.error(path, written(own) + " overlaps " + written(addresses[index]) +
                                         " of " + interfaces[other].name + " (BAD-CFG-01)");
                return;
            }
        }
    }
}

void check_addresses(Findings& findings, std::size_t interface_index) {
    const Interface& interface = findings.config().interfaces[interface_index];
    const std::string path = path_of(interface) + ".addresses";
    if (interface.addresses.size() > kAddressesPerInterfaceMax) {
        findings.error(path, path + " lists more than 16 addresses");
        return;
    }
    for (std::size_t index = 0; index < interface.addresses.size(); ++index) {
        const std::string fault = address_fault(interface.addresses[index]);
        if (!fault.empty()) {
            findings.error(element(path, index), written(interface.addresses[index]) + fault);
        } else {
            check_overlap(findings, interface_index, index);
        }
    }
}

// Why a host cannot have this address on a link; empty if it can.
std::string address_fault(const Ipv6InterfaceAddress& own) {
    if (is_martian(own.address) || is_multicast(own.address)) {
        return " is not an address of a host";
    }
    if (is_link_local(own.address)) {
        return " is link-local: every interface with an IPv6 address has one by itself";
    }
    if (own.prefix.length() < 127 && own.address == own.prefix.address()) {
        return " is the anycast address of its network's routers";  // RFC 4291 section 2.6.1
    }
    return own.prefix.length() == 0 ? " has no network" : "";
}

bool overlap(const Ipv6Prefix& left, const Ipv6Prefix& right) {
    return left.contains(right.address()) || right.contains(left.address());
}

std::string written(const Ipv6InterfaceAddress& own) {
    return to_string(own.address) + "/" + std::to_string(own.prefix.length());
}

// Against the addresses of the interfaces before it, and those before it of its own.
std::string ipv6_clash(const Config& config, std::size_t interface_index,
                       std::size_t address_index) {
    const auto& own = config.interfaces[interface_index].ipv6_addresses[address_index];
    for (std::size_t other = 0; other <= interface_index; ++other) {
        const bool is_itself = other == interface_index;
        const auto& addresses = config.interfaces[other].ipv6_addresses;
        const std::size_t end = is_itself ? address_index : addresses.size();
        for (std::size_t index = 0; index < end; ++index) {
            if (addresses[index].address == own.address) {
                return " is given twice: also on " + config.interfaces[other].name;
            }
            if (!is_itself && overlap(addresses[index].prefix, own.prefix)) {
                return " overlaps " + written(addresses[index]) + " of " +
                       config.interfaces[other].name + " (BAD-CFG-01)";
            }
        }
    }
    return {};
}

void check_ipv6_addresses(Findings& findings, std::size_t interface_index) {
    const Interface& interface = findings.config().interfaces[interface_index];
    const std::string path = path_of(interface) + ".addresses";
    if (interface.ipv6_addresses.size() > kIpv6AddressesPerInterfaceMax) {
        findings.error(path, path + " lists more than 8 IPv6 addresses");
        return;
    }
    if (!interface.ipv6_addresses.empty() && interface.mtu_bytes < kIpv6MtuMinimum_bytes) {
        findings.error(path_of(interface) + ".mtu",
                       path_of(interface) + ".mtu is below 1280, which IPv6 needs");
    }
    for (std::size_t index = 0; index < interface.ipv6_addresses.size(); ++index) {
        const Ipv6InterfaceAddress& own = interface.ipv6_addresses[index];
        std::string fault = address_fault(own);
        if (fault.empty()) {
            fault = ipv6_clash(findings.config(), interface_index, index);
        }
        if (!fault.empty()) {
            findings.error(path, written(own) + fault);
        }
    }
}

void check_devices_differ(Findings& findings) {
    std::map<std::string, std::string> device_of;
    for (const Interface& interface : findings.config().interfaces) {
        const Match& match = interface.match;
        std::string device = match.name.empty() ? match.pci : match.name;
        if (device.empty() && match.mac) {
            device = to_string(*match.mac);
        }
        if (device.empty()) {
            continue;
        }
        const auto [first, is_new] = device_of.emplace(device, interface.name);
        if (!is_new) {
            findings.error(path_of(interface) + ".match",
                           "device " + device + " is already interface " + first->second);
        }
    }
}

}  // namespace

void check_interfaces(Findings& findings) {
    const auto& interfaces = findings.config().interfaces;
    if (interfaces.empty()) {
        findings.error("interfaces", "interfaces is empty: the data plane needs at least one");
    }
    if (interfaces.size() > kInterfacesMax) {
        findings.error("interfaces", "interfaces lists more than 32 interfaces");
        return;
    }
    for (std::size_t index = 0; index < interfaces.size(); ++index) {
        check_match(findings, interfaces[index]);
        check_driver(findings, interfaces[index]);
        check_addresses(findings, index);
        check_ipv6_addresses(findings, index);
    }
    check_devices_differ(findings);
}

}  // namespace towpath::config
