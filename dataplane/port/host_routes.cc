// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/host_routes.h"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <fstream>
#include <memory>

namespace towpath::port {
namespace {

struct CloseSocket {
    void operator()(mnl_socket* socket) const noexcept { mnl_socket_close(socket); }
};

using Buffer = std::array<char, 1024>;
constexpr unsigned kOnlyNew = NLM_F_CREATE | NLM_F_EXCL;

nlmsghdr* begin(Buffer& buffer, std::uint16_t type, unsigned flags) noexcept {
    nlmsghdr* header = mnl_nlmsg_put_header(buffer.data());
    header->nlmsg_type = type;
    header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    header->nlmsg_seq = 1;
    return header;
}

// Sends the request and waits for the kernel's answer, which is immediate.
bool send(const nlmsghdr* header) {
    const std::unique_ptr<mnl_socket, CloseSocket> socket{
        mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC)};
    if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) != 0 ||
        mnl_socket_sendto(socket.get(), header, header->nlmsg_len) < 0) {
        return false;
    }
    alignas(nlmsghdr) Buffer answer{};
    const ssize_t length = mnl_socket_recvfrom(socket.get(), answer.data(), answer.size());
    return length > 0 &&
           mnl_cb_run(answer.data(), static_cast<std::size_t>(length), 1,
                      mnl_socket_get_portid(socket.get()), nullptr, nullptr) >= MNL_CB_STOP;
}

bool change_route(unsigned device_index, const HostRoute& route, std::uint16_t type,
                  unsigned flags) {
    alignas(nlmsghdr) Buffer buffer{};
    nlmsghdr* header = begin(buffer, type, flags);
    auto* body = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(rtmsg)));
    const bool is_on_link = route.via.is_unspecified();
    body->rtm_family = AF_INET;
    body->rtm_dst_len = route.to.length();
    body->rtm_table = RT_TABLE_MAIN;
    body->rtm_protocol = RTPROT_STATIC;
    body->rtm_scope = is_on_link ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    body->rtm_type = RTN_UNICAST;
    mnl_attr_put_u32(header, RTA_DST, route.to.address().wire().raw());
    mnl_attr_put_u32(header, RTA_OIF, device_index);
    mnl_attr_put_u32(header, RTA_PRIORITY, kHostRouteMetric);
    if (!is_on_link) {
        mnl_attr_put_u32(header, RTA_GATEWAY, route.via.wire().raw());
    }
    if (!route.source.is_unspecified()) {
        mnl_attr_put_u32(header, RTA_PREFSRC, route.source.wire().raw());
    }
    return send(header);
}

}  // namespace

bool add_host_address(unsigned device_index, const InterfaceAddress& address) {
    alignas(nlmsghdr) Buffer buffer{};
    nlmsghdr* header = begin(buffer, RTM_NEWADDR, kOnlyNew);
    auto* body = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(ifaddrmsg)));
    body->ifa_family = AF_INET;
    body->ifa_prefixlen = address.prefix.length();
    body->ifa_scope = RT_SCOPE_UNIVERSE;
    body->ifa_index = device_index;
    mnl_attr_put_u32(header, IFA_LOCAL, address.address.wire().raw());
    mnl_attr_put_u32(header, IFA_ADDRESS, address.address.wire().raw());
    if (address.prefix.length() < 31) {  // RFC 3021
        mnl_attr_put_u32(header, IFA_BROADCAST, address.prefix.broadcast().wire().raw());
    }
    mnl_attr_put_u32(header, IFA_FLAGS, IFA_F_NOPREFIXROUTE);
    return send(header);
}

bool add_host_route(unsigned device_index, const HostRoute& route) {
    return change_route(device_index, route, RTM_NEWROUTE, kOnlyNew);
}

bool replace_host_route(unsigned device_index, const HostRoute& route) {
    return change_route(device_index, route, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
}

bool remove_host_route(unsigned device_index, const HostRoute& route) {
    return change_route(device_index, route, RTM_DELROUTE, 0);
}

void keep_secondary_addresses(const std::string& device_name) {
    std::ofstream{"/proc/sys/net/ipv4/conf/" + device_name + "/promote_secondaries"} << "1";
}

}  // namespace towpath::port
