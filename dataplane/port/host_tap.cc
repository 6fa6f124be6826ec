// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/host_tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "dataplane/port/host_routes.h"
#include "dataplane/port/kernel_address.h"
#include "dataplane/port/kernel_device.h"
#include "dataplane/wire/ethernet.h"

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

// A new netdev of that name, never one that exists.
FileDescriptor make_netdev(const std::string& name, HostKind kind) noexcept {
    FileDescriptor tap{::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)};
    ifreq request{};
    if (name.size() >= IFNAMSIZ) {
        errno = ENAMETOOLONG;
        return FileDescriptor{};
    }
    std::memcpy(request.ifr_name, name.c_str(), name.size() + 1);
    request.ifr_flags =
        static_cast<short>((kind == HostKind::tun ? IFF_TUN : IFF_TAP) | IFF_NO_PI | IFF_TUN_EXCL);
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

bool is_same(const InterfaceAddress& left, const InterfaceAddress& right) noexcept {
    return left.address == right.address && left.prefix == right.prefix;
}

bool contains(const std::vector<InterfaceAddress>& all, const InterfaceAddress& one) noexcept {
    return std::any_of(all.begin(), all.end(),
                       [&](const auto& other) { return is_same(one, other); });
}

// The one that goes to the same place the same way, from whatever source; or null.
const HostRoute* find(const std::vector<HostRoute>& all, const HostRoute& one) noexcept {
    const auto found = std::find_if(all.begin(), all.end(), [&](const HostRoute& other) {
        return other.to == one.to && other.via == one.via;
    });
    return found == all.end() ? nullptr : &*found;
}

// To the connected networks first: the kernel reaches the next hops of the others through them.
// Each from its own address, the first that is configured: the kernel would take any of the device.
std::vector<HostRoute> routes_of(const HostTapRequest& request) {
    std::vector<HostRoute> routes;
    for (const InterfaceAddress& address : request.addresses) {
        const HostRoute route{address.prefix, Ipv4Address{}, address.address};
        if (find(routes, route) == nullptr) {
            routes.push_back(route);
        }
    }
    routes.insert(routes.end(), request.routes.begin(), request.routes.end());
    return routes;
}

}  // namespace

Outcome<HostTap> HostTap::open(const HostTapRequest& request, dpdk::PacketPool& pool,
                               std::vector<std::string>& notes) {
    std::string name = request.interface_name;
    FileDescriptor tap = make_netdev(name, request.kind);
    if (!tap.is_open() && ::if_nametoindex(name.c_str()) != 0) {
        name = kPrefix + name;
        tap = make_netdev(name, request.kind);
    }
    if (!tap.is_open()) {
        const std::string taken =
            errno == EBUSY || errno == EEXIST
                ? " and " + request.interface_name + " are there already, delete one of them"
                : "";
        return tl::unexpected{cannot_make(request, name + taken)};
    }
    if ((request.kind == HostKind::tap && !set_mac(tap, request.mac)) ||
        !set_mtu(name, request.mtu_bytes) ||
        ::ioctl(tap.number(), TUNSETSNDBUF, &kPuntQueue_bytes) != 0) {
        return tl::unexpected{cannot_make(request, "MAC, MTU or queue of " + name)};
    }
    const auto device = find_kernel_device({.kernel_name = name, .pci_address = {}, .mac = {}});
    set_ipv6(name, false);
    if (!device || !set_administratively_up(name, true)) {
        return tl::unexpected{cannot_make(request, "setting up " + name)};
    }
    keep_secondary_addresses(name);
    HostTap made{std::move(tap), std::move(name), device->index, request, pool};
    made.follow(request, notes);
    return made;
}

bool HostTap::is_there() const noexcept {
    std::array<char, IF_NAMESIZE> name{};
    return ::if_indextoname(index_, name.data()) != nullptr;
}

bool HostTap::change_mac(const MacAddress& mac) noexcept {
    if (kind_ == HostKind::tap && !set_mac(tap_, mac)) {
        return false;
    }
    mac_ = mac;
    return true;
}

void HostTap::withdraw_routes(const HostTapRequest& wanted) {
    const std::vector<HostRoute> stay = routes_of(wanted);
    std::erase_if(routes_, [&](const HostRoute& route) {
        if (find(stay, route) != nullptr) {
            return false;
        }
        (void)remove_host_route(index_, route);  // whoever removed it before, it is gone
        return true;
    });
}

void HostTap::follow(const HostTapRequest& wanted, std::vector<std::string>& notes) {
    const auto note = [&](const std::string& what) {
        notes.push_back(wanted.interface_name + ": " + what + " could not be given to " + name_ +
                        ": " + std::strerror(errno));
    };
    const std::string& own = wanted.interface_name;
    if (name_ != own && own != wanted.port_device && ::if_nametoindex(own.c_str()) != 0) {
        notes.push_back(own + ": the host has another device " + own + ", so ours is " + name_ +
                        ": if nobody needs that one, ip link delete " + own +
                        ", then ip link delete " + name_ + ", which is made again as " + own);
    }
    if (wanted.mac != mac_ && !change_mac(wanted.mac)) {
        note("the MAC " + to_string(wanted.mac));
    }
    if (wanted.mtu_bytes != mtu_bytes_) {
        if (set_mtu(name_, wanted.mtu_bytes)) {
            mtu_bytes_ = wanted.mtu_bytes;
        } else {
            note("the MTU " + std::to_string(wanted.mtu_bytes));
        }
    }
    withdraw_routes(wanted);
    follow_addresses(wanted);
    for (const InterfaceAddress& address : wanted.addresses) {
        if (!contains(addresses_, address)) {
            notes.push_back(wanted.interface_name + ": the host has no address " +
                            to_string(address) + " on " + name_);
        }
    }
    follow_routes(wanted, notes);
}

// Puts what is wanted and could be had into addresses_ beside what is there.
void HostTap::add_addresses(const HostTapRequest& wanted) {
    for (const InterfaceAddress& address : wanted.addresses) {
        const bool is_there = add_host_address(index_, address) || errno == EEXIST;
        if (is_there && !contains(addresses_, address)) {
            addresses_.push_back(address);
        }
    }
}

void HostTap::follow_addresses(const HostTapRequest& wanted) {
    // New ones, and routes from them, before old ones go: the kernel removes routes whose source
    // goes, and all when the last address does.
    add_addresses(wanted);
    const auto is_old = [&](const auto& address) { return !contains(wanted.addresses, address); };
    if (std::none_of(addresses_.begin(), addresses_.end(), is_old)) {
        return;
    }
    std::vector<std::string> unsaid;  // follow() tries again
    follow_routes(wanted, unsaid);
    for (const InterfaceAddress& address : addresses_) {
        if (is_old(address)) {
            (void)remove_kernel_address(index_, address);  // whoever removed it before, it is gone
        }
    }
    std::erase_if(addresses_, is_old);
    add_addresses(wanted);  // where secondary addresses are not kept, the kernel dropped them
}

void HostTap::follow_routes(const HostTapRequest& wanted, std::vector<std::string>& notes) {
    std::vector<HostRoute> held;
    for (const HostRoute& route : routes_of(wanted)) {
        const HostRoute* const old = find(routes_, route);
        // Also those that it has: the kernel may have dropped them with an address.
        const bool is_there =
            old != nullptr && old->source != route.source
                ? replace_host_route(index_, route)
                : add_host_route(index_, route) || (errno == EEXIST && old != nullptr);
        if (is_there) {
            held.push_back(route);
        } else {
            notes.push_back(wanted.interface_name + ": the host has no route to " +
                            to_string(route.to) + " through " + name_ + ": " +
                            std::strerror(errno));
        }
    }
    routes_ = std::move(held);
}

// From the host to the box: what a TUN leaves out.
void HostTap::write_ethernet(Packet& packet) const noexcept {
    const bool is_ipv6 =
        std::to_integer<unsigned>(packet.bytes()[sizeof(EthernetHeader)]) >> 4U == 6;
    packet.header<EthernetHeader>(0) = {mac_, mac_,
                                        be16{is_ipv6 ? kEtherTypeIpv6 : kEtherTypeIpv4}};
}

std::size_t HostTap::receive(std::span<Packet> out) noexcept {
    std::size_t received = 0;
    while (received < out.size() && pool_->allocate(out.subspan(received, 1)) == 1) {
        Packet& packet = out[received];
        const std::size_t front = kind_ == HostKind::tun ? sizeof(EthernetHeader) : 0;
        const ssize_t length =
            ::read(tap_.number(), packet.data() + front, packet.tail_room() - front);
        if (length <= 0) {
            pool_->release(out.subspan(received, 1));
            break;
        }
        packet.length = static_cast<std::uint16_t>(static_cast<std::size_t>(length) + front);
        if (kind_ == HostKind::tun) {
            write_ethernet(packet);
        }
        packet.from_host = true;
        ++received;
    }
    return received;
}

std::size_t HostTap::transmit(std::span<const Packet> packets) noexcept {
    const std::span<const Packet> burst = packets.first(std::min(packets.size(), kPuntBurstMax));
    const std::size_t front = kind_ == HostKind::tun ? sizeof(EthernetHeader) : 0;
    std::size_t sent = 0;
    while (sent < burst.size() &&
           ::write(tap_.number(), burst[sent].data() + front, burst[sent].length - front) > 0) {
        ++sent;
    }
    pool_->release(burst.first(sent));
    return sent;
}

}  // namespace towpath::port
