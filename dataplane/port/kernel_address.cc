// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/kernel_address.h"

#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <bit>
#include <cstring>

#include "dataplane/port/file_descriptor.h"

namespace towpath::port {

namespace {

struct AddressAttribute {
    rtattr header;
    be32 address;
};
static_assert(sizeof(AddressAttribute) == RTA_LENGTH(sizeof(be32)));

struct AddressMessage {
    nlmsghdr header;
    ifaddrmsg body;
    AddressAttribute local;
    AddressAttribute prefix;
    AddressAttribute broadcast;
};

struct Acknowledgement {
    nlmsghdr header;
    nlmsgerr body;
};

AddressAttribute attribute(unsigned short type, Ipv4Address address) noexcept {
    return {.header = {.rta_len = sizeof(AddressAttribute), .rta_type = type},
            .address = address.wire()};
}

bool change(unsigned device_index, const InterfaceAddress& address, unsigned short type,
            unsigned short flags) {
    const FileDescriptor socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
    AddressMessage message{};
    message.header.nlmsg_len = sizeof message;
    message.header.nlmsg_type = type;
    message.header.nlmsg_flags = static_cast<unsigned short>(NLM_F_REQUEST | NLM_F_ACK | flags);
    message.body.ifa_family = AF_INET;
    message.body.ifa_prefixlen = address.prefix.length();
    message.body.ifa_index = device_index;
    message.local = attribute(IFA_LOCAL, address.address);
    message.prefix = attribute(IFA_ADDRESS, address.address);
    message.broadcast = attribute(IFA_BROADCAST, address.prefix.broadcast());
    Acknowledgement answer{};
    return socket.is_open() &&
           ::send(socket.number(), &message, sizeof message, 0) ==
               static_cast<ssize_t>(sizeof message) &&
           ::recv(socket.number(), &answer, sizeof answer, 0) >=
               static_cast<ssize_t>(sizeof(nlmsghdr) + sizeof(int)) &&
           answer.header.nlmsg_type == NLMSG_ERROR && answer.body.error == 0;
}

be32 bits_of(const sockaddr* address) noexcept {
    sockaddr_in internet{};
    std::memcpy(&internet, address, sizeof internet);
    return be32::from_raw(internet.sin_addr.s_addr);
}

}  // namespace

std::vector<InterfaceAddress> kernel_addresses_of(const std::string& name) {
    std::vector<InterfaceAddress> addresses;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) {
        return addresses;
    }
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET ||
            entry->ifa_netmask == nullptr || name != entry->ifa_name) {
            continue;
        }
        const Ipv4Address address{bits_of(entry->ifa_addr)};
        const auto length =
            static_cast<std::uint8_t>(std::popcount(bits_of(entry->ifa_netmask).raw()));
        addresses.push_back({.address = address, .prefix = Ipv4Prefix{address, length}});
    }
    ::freeifaddrs(list);
    return addresses;
}

std::string to_string(const InterfaceAddress& address) {
    return towpath::to_string(address.address) + "/" + std::to_string(address.prefix.length());
}

bool add_kernel_address(unsigned device_index, const InterfaceAddress& address) {
    return change(device_index, address, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
}

bool remove_kernel_address(unsigned device_index, const InterfaceAddress& address) {
    return change(device_index, address, RTM_DELADDR, 0);
}

}  // namespace towpath::port
