// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/xdp_filter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <numeric>

#include "dataplane/port/xdp_holder.h"
#include "dataplane/port/xdp_program/filter_layout.h"
#include "dataplane/port/xdp_program/filter_object.h"

namespace towpath::port {
namespace {

constexpr std::uint16_t kSshPort = 22;
constexpr std::uint16_t kDhcpServerPort = 67;
constexpr std::uint16_t kDhcpClientPort = 68;

// libbpf prints; what matters is in the errno that the callers put into their sentence.
int keep_silent(libbpf_print_level /*level*/, const char* /*format*/, va_list /*arguments*/) {
    return 0;
}

std::string error_text(int error) {
    return std::strerror(error < 0 ? -error : error);
}

towpath_filter_rule make_rule(const KernelTraffic& traffic) noexcept {
    towpath_filter_rule rule{};
    rule.protocol = static_cast<__u8>(traffic.protocol);
    rule.destination = traffic.any_destination ? TOWPATH_TO_ANY : TOWPATH_TO_OWN_ADDRESS;
    rule.port_first = traffic.port;
    rule.port_last = traffic.port_last < traffic.port ? traffic.port : traffic.port_last;
    if (traffic.protocol == Protocol::icmp && traffic.port == 0 && traffic.port_last == 0) {
        rule.port_last = 0xFFFF;  // every Identifier
    }
    return rule;
}

}  // namespace

void XdpFilter::CloseObject::operator()(bpf_object* object) const noexcept {
    bpf_object__close(object);
}

Outcome<XdpFilter::Object> XdpFilter::load(const std::string& interface_name,
                                           std::uint32_t queues) {
    libbpf_set_print(keep_silent);
    Object object{bpf_object__open_mem(kFilterObject.data(), kFilterObject.size(), nullptr)};
    bpf_map* sockets =
        object ? bpf_object__find_map_by_name(object.get(), "filter_sockets") : nullptr;
    if (sockets == nullptr || bpf_map__set_max_entries(sockets, queues) != 0) {
        return fail(ExitCode::port_unavailable,
                    interface_name + ": the XDP program in this binary cannot be read");
    }
    const int error = bpf_object__load(object.get());
    if (error == -EPERM || error == -EACCES) {
        return fail(ExitCode::no_permission,
                    interface_name + ": af_xdp needs CAP_BPF and CAP_NET_ADMIN (or root)");
    }
    if (error != 0) {
        return fail(ExitCode::port_unavailable,
                    interface_name + ": the kernel refuses the XDP program: " + error_text(error));
    }
    return object;
}

Outcome<XdpFilter> XdpFilter::attach(const std::string& interface_name, const KernelDevice& device,
                                     std::uint32_t queues, std::vector<std::string>& notes) {
    auto object = load(interface_name, queues);
    if (!object) {
        return tl::unexpected{object.error()};
    }
    const int program =
        bpf_program__fd(bpf_object__find_program_by_name(object->get(), TOWPATH_FILTER_NAME));
    if (auto cleared = clear_stale_program(interface_name, device, program); !cleared) {
        return tl::unexpected{cleared.error()};
    }
    DECLARE_LIBBPF_OPTS(bpf_link_create_opts, options);
    options.flags = XDP_FLAGS_DRV_MODE;
    bool is_native = true;
    int link = bpf_link_create(program, static_cast<int>(device.index), BPF_XDP, &options);
    if (link < 0 && link != -EPERM && link != -EBUSY && link != -EEXIST) {
        notes.push_back(interface_name + ": the driver of " + device.name +
                        " does not run XDP itself (" + error_text(link) +
                        "): the kernel's slower generic mode is used");
        options.flags = XDP_FLAGS_SKB_MODE;
        is_native = false;
        link = bpf_link_create(program, static_cast<int>(device.index), BPF_XDP, &options);
    }
    if (link < 0) {
        const ExitCode code = link == -EPERM                      ? ExitCode::no_permission
                              : link == -EBUSY || link == -EEXIST ? ExitCode::address_in_use
                                                                  : ExitCode::port_unavailable;
        return fail(code, interface_name + ": no XDP program can be attached to " + device.name +
                              ": " + error_text(link));
    }
    return XdpFilter{std::move(*object), FileDescriptor{link}, interface_name, is_native};
}

int XdpFilter::map(const char* name) const noexcept {
    return bpf_object__find_map_fd_by_name(object_.get(), name);
}

bool XdpFilter::put_socket(std::uint32_t queue, int socket) noexcept {
    return bpf_map_update_elem(map("filter_sockets"), &queue, &socket, BPF_ANY) == 0;
}

Outcome<void> XdpFilter::set_kernel_traffic(std::span<const KernelTraffic> traffic,
                                            std::span<const Ipv4Address> own_addresses,
                                            bool arp_to_kernel, bool ipv6_to_data_plane) {
    const std::array<KernelTraffic, 3> always{
        KernelTraffic{.protocol = Protocol::tcp, .port = kSshPort},
        KernelTraffic{.protocol = Protocol::udp, .port = kDhcpServerPort, .any_destination = true},
        KernelTraffic{.protocol = Protocol::udp, .port = kDhcpClientPort, .any_destination = true},
    };
    towpath_filter_values values{};
    if (traffic.size() + always.size() > TOWPATH_FILTER_RULES_MAX ||
        own_addresses.size() > TOWPATH_FILTER_ADDRESSES_MAX) {
        return fail(ExitCode::usage,
                    interface_name_ + ": at most " +
                        std::to_string(TOWPATH_FILTER_RULES_MAX - always.size()) + " rules and " +
                        std::to_string(TOWPATH_FILTER_ADDRESSES_MAX) +
                        " own addresses for traffic that af_xdp leaves to the kernel");
    }
    for (const KernelTraffic& one : always) {
        values.rules[values.rule_count++] = make_rule(one);
    }
    for (const KernelTraffic& one : traffic) {
        values.rules[values.rule_count++] = make_rule(one);
    }
    for (const Ipv4Address address : own_addresses) {
        values.addresses[values.address_count++] = address.wire().raw();
    }
    values.arp_to_kernel = arp_to_kernel ? 1 : 0;
    values.ipv6_to_data_plane = ipv6_to_data_plane ? 1 : 0;
    const std::uint32_t zero = 0;
    if (bpf_map_update_elem(map("filter_values"), &zero, &values, BPF_ANY) != 0) {
        return fail(
            ExitCode::port_unavailable,
            interface_name_ + ": the XDP program's rules cannot be set: " + error_text(errno));
    }
    return {};
}

std::uint64_t XdpFilter::left_to_kernel() const {
    const int processors = libbpf_num_possible_cpus();
    std::vector<std::uint64_t> each(processors > 0 ? static_cast<std::size_t>(processors) : 1U);
    const std::uint32_t zero = 0;
    if (processors <= 0 || bpf_map_lookup_elem(map("filter_left"), &zero, each.data()) != 0) {
        return 0;
    }
    return std::accumulate(each.begin(), each.end(), std::uint64_t{0});
}

}  // namespace towpath::port
