// SPDX-License-Identifier: BSD-3-Clause
#include "config/devices.h"

#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "config/findings.h"
#include "dataplane/wire/ipv6.h"

namespace towpath::config {
namespace {

bool has_mac(const ifaddrs& entry, const MacAddress& mac) {
    if (entry.ifa_addr == nullptr || entry.ifa_addr->sa_family != AF_PACKET) {
        return false;
    }
    sockaddr_ll link{};
    std::memcpy(&link, entry.ifa_addr, sizeof link);
    return link.sll_halen == mac.bytes.size() &&
           std::memcmp(link.sll_addr, mac.bytes.data(), mac.bytes.size()) == 0;
}

bool is_mac_here(const MacAddress& mac) {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) {
        return true;
    }
    bool is_here = false;
    for (const ifaddrs* entry = list; entry != nullptr && !is_here; entry = entry->ifa_next) {
        is_here = has_mac(*entry, mac);
    }
    ::freeifaddrs(list);
    return is_here;
}

std::optional<Device> found_if(bool is_here) {
    return is_here ? std::optional{Device{}} : std::nullopt;
}

std::uint16_t mtu_of(const std::string& name) {
    std::ifstream file{"/sys/class/net/" + name + "/mtu"};
    std::uint32_t mtu_bytes = 0;
    return file >> mtu_bytes && mtu_bytes <= 65535 ? static_cast<std::uint16_t>(mtu_bytes)
                                                   : std::uint16_t{0};
}

std::string device_of(const Match& match) {
    return !match.name.empty()  ? match.name
           : !match.pci.empty() ? match.pci
                                : to_string(*match.mac);
}

}  // namespace

std::optional<Device> find_device(const Interface& interface) {
    const Match& match = interface.match;
    const bool is_of_kernel =
        interface.driver == Driver::af_packet || interface.driver == Driver::af_xdp;
    if (!match.pci.empty()) {
        return found_if(::access(("/sys/bus/pci/devices/" + match.pci).c_str(), F_OK) == 0);
    }
    if (!match.name.empty() && interface.driver != Driver::tap) {
        return ::if_nametoindex(match.name.c_str()) != 0 ? std::optional{Device{mtu_of(match.name)}}
                                                         : std::nullopt;
    }
    return found_if(!match.mac || !is_of_kernel || is_mac_here(*match.mac));
}

std::uint16_t default_mtu_bytes(const Interface& interface, const Device& device) {
    const std::uint16_t least_bytes =
        interface.ipv6_addresses.empty() ? kMtuLeast_bytes : kIpv6MtuMinimum_bytes;
    return device.mtu_bytes < least_bytes ? interface.mtu_bytes
                                          : std::min(interface.mtu_bytes, device.mtu_bytes);
}

void check_devices(Findings& findings, const FindDevice& find) {
    for (const Interface& interface : findings.config().interfaces) {
        if (!find(interface)) {
            const std::string path = "interfaces." + interface.name + ".match";
            findings.warning(
                path, path + ": this machine has no device " + device_of(interface.match) + " now");
        }
    }
}

}  // namespace towpath::config
