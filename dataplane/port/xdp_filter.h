// SPDX-License-Identifier: BSD-3-Clause
// The XDP program on one netdev and its maps: which frames the data plane gets on AF_XDP sockets
// and which the kernel keeps (decisions.md N8; xdp_program/filter.bpf.c decides).
//
// Attached as a bpf_link that only this object holds: the kernel detaches the program when the
// process ends, however it ends. Nothing is pinned, so no bpffs is needed. Not for a forwarding
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/port/file_descriptor.h"
#include "dataplane/port/kernel_device.h"
#include "dataplane/port/request.h"
#include "dataplane/wire/result.h"

struct bpf_object;

namespace towpath::port {

class XdpFilter {
public:
    // Loads the program for `queues` receive queues and attaches it, natively if the driver can,
    // else in the stack with a note. A stale program of ours is replaced. Fails with
    // address_in_use when a live process or a foreign program holds the device, no_permission,
    // port_unavailable. Until sockets are put, IPv4 to the device is dropped.
    [[nodiscard]] static Outcome<XdpFilter> attach(const std::string& interface_name,
                                                   const KernelDevice& device, std::uint32_t queues,
                                                   std::vector<std::string>& notes);

    // Frames of the receive queue go to the AF_XDP socket from now on.
    [[nodiscard]] bool put_socket(std::uint32_t queue, int socket) noexcept;
    // Replaces what stays with the kernel: `traffic`, and SSH and DHCP in any case. With
    // `arp_to_kernel` ARP stays there as well, with `ipv6_to_data_plane` nothing of IPv6 does.
    // Fails with usage when there are too many of either (TOWPATH_FILTER_RULES_MAX,
    // TOWPATH_FILTER_ADDRESSES_MAX).
    [[nodiscard]] Outcome<void> set_kernel_traffic(std::span<const KernelTraffic> traffic,
                                                   std::span<const Ipv4Address> own_addresses,
                                                   bool arp_to_kernel, bool ipv6_to_data_plane);

    // The driver runs the program, rather than the stack behind it.
    [[nodiscard]] bool is_native() const noexcept { return is_native_; }
    // Frames that rules have left to the kernel since attach.
    [[nodiscard]] std::uint64_t left_to_kernel() const;

private:
    struct CloseObject {
        void operator()(bpf_object* object) const noexcept;
    };
    using Object = std::unique_ptr<bpf_object, CloseObject>;

    XdpFilter(Object object, FileDescriptor link, std::string interface_name, bool is_native)
        : object_{std::move(object)},
          link_{std::move(link)},
          interface_name_{std::move(interface_name)},
          is_native_{is_native} {}

    [[nodiscard]] static Outcome<Object> load(const std::string& interface_name,
                                              std::uint32_t queues);
    [[nodiscard]] int map(const char* name) const noexcept;

    Object object_;
    FileDescriptor link_;
    std::string interface_name_;
    bool is_native_;
};

}  // namespace towpath::port
