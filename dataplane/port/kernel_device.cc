// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/kernel_device.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <vector>

#include "dataplane/port/file_descriptor.h"

namespace towpath::port {

namespace {

// One device ioctl. False when the name does not fit or the kernel refuses.
bool ask(const std::string& name, unsigned long request, ifreq& answer) noexcept {
    if (name.empty() || name.size() >= IFNAMSIZ) {
        return false;
    }
    const FileDescriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    std::memcpy(answer.ifr_name, name.c_str(), name.size() + 1);
    return socket.is_open() && ::ioctl(socket.number(), request, &answer) == 0;
}

std::optional<KernelDevice> describe_device(const std::string& name) {
    KernelDevice device{.name = name, .index = ::if_nametoindex(name.c_str()), .mac = {}};
    ifreq hardware{};
    ifreq mtu{};
    if (device.index == 0 || !ask(name, SIOCGIFHWADDR, hardware) || !ask(name, SIOCGIFMTU, mtu)) {
        return std::nullopt;
    }
    std::memcpy(device.mac.bytes.data(), hardware.ifr_hwaddr.sa_data, device.mac.bytes.size());
    device.mtu_bytes = static_cast<std::uint16_t>(
        std::min<int>(mtu.ifr_mtu, std::numeric_limits<std::uint16_t>::max()));
    return device;
}

std::vector<std::string> all_names() {
    std::vector<std::string> names;
    struct if_nameindex* const list = ::if_nameindex();
    for (struct if_nameindex* entry = list; entry != nullptr && entry->if_index != 0; ++entry) {
        names.emplace_back(entry->if_name);
    }
    ::if_freenameindex(list);
    return names;
}

// A virtio netdev hangs one level deeper than other PCI devices' do.
bool lies_on(const std::string& name, const std::string& pci_address) {
    std::error_code error;
    const std::filesystem::path device =
        std::filesystem::canonical("/sys/class/net/" + name + "/device", error);
    return !error &&
           (device.filename() == pci_address || device.parent_path().filename() == pci_address);
}

bool short_flags(const std::string& name, short& flags) noexcept {
    ifreq answer{};
    const bool is_known = ask(name, SIOCGIFFLAGS, answer);
    flags = answer.ifr_flags;
    return is_known;
}

bool ethtool(const std::string& name, ethtool_value& value) noexcept {
    ifreq answer{};
    answer.ifr_data = reinterpret_cast<char*>(&value);
    return ask(name, SIOCETHTOOL, answer);
}

std::string ipv6_switch_of(const std::string& name) {
    return "/proc/sys/net/ipv6/conf/" + name + "/disable_ipv6";
}

}  // namespace

std::optional<KernelDevice> find_kernel_device(const PortMatch& match) {
    if (!match.kernel_name.empty()) {
        return describe_device(match.kernel_name);
    }
    for (const std::string& name : all_names()) {
        const auto device = describe_device(name);
        if (device.has_value() &&
            ((match.mac.has_value() && device->mac == *match.mac) ||
             (!match.pci_address.empty() && lies_on(name, match.pci_address)))) {
            return device;
        }
    }
    return std::nullopt;
}

Outcome<KernelDevice> require_kernel_device(const PortRequest& request) {
    if (auto device = find_kernel_device(request.match)) {
        return *std::move(device);
    }
    std::string wanted = "a network interface named " + request.match.kernel_name;
    if (request.match.kernel_name.empty()) {
        wanted = request.match.mac.has_value()
                     ? "a network interface with the address " + to_string(*request.match.mac)
                     : "a network interface of the device " + request.match.pci_address;
    }
    return fail(ExitCode::port_unavailable,
                request.name + ": there is no " + wanted.substr(2) + " in this network namespace");
}

bool is_running(const std::string& name) noexcept {
    short flags = 0;
    return short_flags(name, flags) && (flags & IFF_UP) != 0 && (flags & IFF_RUNNING) != 0;
}

bool is_administratively_up(const std::string& name) noexcept {
    short flags = 0;
    return short_flags(name, flags) && (flags & IFF_UP) != 0;
}

bool set_administratively_up(const std::string& name, bool up) noexcept {
    ifreq change{};
    if (!short_flags(name, change.ifr_flags)) {
        return false;
    }
    change.ifr_flags =
        static_cast<short>(up ? change.ifr_flags | IFF_UP : change.ifr_flags & ~IFF_UP);
    return ask(name, SIOCSIFFLAGS, change);
}

bool set_mtu(const std::string& name, std::uint16_t mtu_bytes) noexcept {
    ifreq change{};
    change.ifr_mtu = mtu_bytes;
    return ask(name, SIOCSIFMTU, change);
}

std::string mtu_change(const PortRequest& request, const KernelDevice& device) {
    return request.name + ": the MTU of " + device.name + " was " +
           std::to_string(device.mtu_bytes) + " and is now " + std::to_string(request.mtu_bytes);
}

bool is_merging(const std::string& name, ReceiveMerge kind) noexcept {
    ethtool_value value{};
    value.cmd = kind == ReceiveMerge::generic ? ETHTOOL_GGRO : ETHTOOL_GFLAGS;
    if (!ethtool(name, value)) {
        return false;
    }
    return kind == ReceiveMerge::generic ? value.data != 0 : (value.data & ETH_FLAG_LRO) != 0;
}

bool set_merging(const std::string& name, ReceiveMerge kind, bool on) noexcept {
    ethtool_value value{};
    if (kind == ReceiveMerge::generic) {
        value.cmd = ETHTOOL_SGRO;
        value.data = on ? 1 : 0;
        return ethtool(name, value);
    }
    value.cmd = ETHTOOL_GFLAGS;
    if (!ethtool(name, value)) {
        return false;
    }
    value.cmd = ETHTOOL_SFLAGS;
    value.data = on ? value.data | ETH_FLAG_LRO : value.data & ~std::uint32_t{ETH_FLAG_LRO};
    return ethtool(name, value);
}

bool has_ipv6(const std::string& name) {
    std::ifstream file{ipv6_switch_of(name)};
    int disabled = 1;
    return (file >> disabled) && disabled == 0;
}

void set_ipv6(const std::string& name, bool on) {
    std::ofstream{ipv6_switch_of(name)} << (on ? "0" : "1");
}

}  // namespace towpath::port
