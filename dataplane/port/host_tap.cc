// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/host_tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dataplane/port/host_routes.h"
#include "dataplane/port/kernel_device.h"

namespace towpath::port {
namespace {

constexpr const char* kPrefix = "tp-";

Failure cannot_make(const HostTapRequest& request, const std::string& what) {
    const int error = errno;
    const ExitCode code = error == EPERM || error == EACCES   ? ExitCode::no_permission
                          : error == EBUSY || error == EEXIST ? ExitCode::address_in_use
                                                              : ExitCode::port_unavailable;
    return {code, request.interface_name + ": no TAP for the host: " + what + ": " +
                      std::strerror(error)};
}

// A new TAP of that name, never one that exists.
FileDescriptor make_tap(const std::string& name) noexcept {
    FileDescriptor tap{::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)};
    ifreq request{};
    if (name.size() >= IFNAMSIZ) {
        errno = ENAMETOOLONG;
        return FileDescriptor{};
    }
    std::memcpy(request.ifr_name, name.c_str(), name.size() + 1);
    request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL);
    if (!tap.is_open() || ::ioctl(tap.number(), TUNSETIFF, &request) != 0) {
        return FileDescriptor{};
    }
    return tap;
}

bool set_mac(const FileDescriptor& tap, const MacAddress& mac) noexcept {
    ifreq request{};
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    std::memcpy(request.ifr_hwaddr.sa_data, mac.bytes.data(), mac.bytes.size());
    return ::ioctl(tap.number(), SIOCSIFHWADDR, &request) == 0;
}

void add_routes(const HostTapRequest& request, const KernelDevice& device,
                std::vector<std::string>& notes) {
    std::vector<HostRoute> routes;
    for (const InterfaceAddress& address : request.addresses) {
        routes.push_back({address.prefix, Ipv4Address{}});
    }
    routes.insert(routes.end(), request.routes.begin(), request.routes.end());
    for (const HostRoute& route : routes) {
        if (!add_host_route(device.index, route)) {
            notes.push_back(request.interface_name + ": the host has no route to " +
                            to_string(route.to) + " through " + device.name + ": " +
                            std::strerror(errno));
        }
    }
}

}  // namespace

Outcome<HostTap> HostTap::open(const HostTapRequest& request, dpdk::PacketPool& pool,
                               std::vector<std::string>& notes) {
    std::string name = request.interface_name;
    FileDescriptor tap = make_tap(name);
    if (!tap.is_open() && ::if_nametoindex(name.c_str()) != 0) {
        name = kPrefix + name;
        tap = make_tap(name);
    }
    if (!tap.is_open()) {
        return tl::unexpected{cannot_make(request, name)};
    }
    if (!set_mac(tap, request.mac) || !set_mtu(name, request.mtu_bytes) ||
        ::ioctl(tap.number(), TUNSETSNDBUF, &kPuntQueue_bytes) != 0) {
        return tl::unexpected{cannot_make(request, "MAC, MTU or queue of " + name)};
    }
    const auto device = find_kernel_device({.kernel_name = name, .pci_address = {}, .mac = {}});
    set_ipv6(name, false);
    if (!device || !set_administratively_up(name, true)) {
        return tl::unexpected{cannot_make(request, "setting up " + name)};
    }
    for (const InterfaceAddress& address : request.addresses) {
        if (!add_host_address(device->index, address)) {
            return tl::unexpected{cannot_make(request, to_string(address.address) + " on " + name)};
        }
    }
    add_routes(request, *device, notes);
    return HostTap{std::move(tap), std::move(name), pool};
}

bool HostTap::change_mac(const MacAddress& mac) noexcept {
    return set_mac(tap_, mac);
}

std::size_t HostTap::receive(std::span<Packet> out) noexcept {
    std::size_t received = 0;
    while (received < out.size() && pool_->allocate(out.subspan(received, 1)) == 1) {
        Packet& packet = out[received];
        const ssize_t length = ::read(tap_.number(), packet.data(), packet.tail_room());
        if (length <= 0) {
            pool_->release(out.subspan(received, 1));
            break;
        }
        packet.length = static_cast<std::uint16_t>(length);
        packet.from_host = true;
        ++received;
    }
    return received;
}

std::size_t HostTap::transmit(std::span<const Packet> packets) noexcept {
    const std::span<const Packet> burst = packets.first(std::min(packets.size(), kPuntBurstMax));
    std::size_t sent = 0;
    while (sent < burst.size() &&
           ::write(tap_.number(), burst[sent].data(), burst[sent].length) > 0) {
        ++sent;
    }
    pool_->release(burst.first(sent));
    return sent;
}

}  // namespace towpath::port
