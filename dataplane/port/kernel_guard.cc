// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/kernel_guard.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "dataplane/port/ingress_chain.h"
#include "dataplane/port/kernel_address.h"
#include "dataplane/port/kernel_routes.h"

namespace towpath::port {

namespace {

// What destruction puts back.
enum Restore : std::uint32_t {
    restore_clsact_absent = 1U << 0U,
    restore_ipv6_on = 1U << 1U,
    restore_generic_merge = 1U << 2U,
    restore_large_merge = 1U << 3U,
    restore_down = 1U << 4U,
    restore_chain = 1U << 5U,  // a netfilter chain drops in the place of the classifier
    restore_end = 1U << 6U,
};
constexpr std::uint32_t kHandleBase = 0x54500000;  // "TP" in the upper half: whose filter it is
constexpr std::uint32_t kPriority = 1;             // before any other filter
constexpr std::size_t kNamedRoutes_bytes = 150;    // of text, before the others are only counted

bpf_tc_hook ingress_of(unsigned index) {
    bpf_tc_hook hook{};
    hook.sz = sizeof hook;
    hook.ifindex = static_cast<int>(index);
    hook.attach_point = BPF_TC_INGRESS;
    return hook;
}

bpf_tc_opts filter_with(std::uint32_t restore) {
    bpf_tc_opts filter{};
    filter.sz = sizeof filter;
    filter.handle = kHandleBase | restore;
    filter.priority = kPriority;
    return filter;
}

void detach(unsigned index, std::uint32_t restore) {
    if ((restore & restore_chain) != 0) {
        remove_ingress_chain(index, restore);
        return;
    }
    const bpf_tc_hook hook = ingress_of(index);
    const bpf_tc_opts filter = filter_with(restore);
    (void)bpf_tc_detach(&hook, &filter);
}

void put_back(const std::string& name, unsigned index, std::uint32_t restore) {
    if ((restore & restore_generic_merge) != 0) {
        (void)set_merging(name, ReceiveMerge::generic, true);
    }
    if ((restore & restore_large_merge) != 0) {
        (void)set_merging(name, ReceiveMerge::large, true);
    }
    if ((restore & restore_down) != 0) {
        (void)set_administratively_up(name, false);
    }
    // The filter goes after the sockets that saw the traffic and before IPv6 returns.
    detach(index, restore);
    if ((restore & restore_clsact_absent) != 0) {
        bpf_tc_hook hook = ingress_of(index);
        hook.attach_point =
            static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);  // the whole qdisc
        (void)bpf_tc_hook_destroy(&hook);
    }
    if ((restore & restore_ipv6_on) != 0) {
        set_ipv6(name, true);
    }
}

// The Restore bits of a filter of ours that is on the device.
std::optional<std::uint32_t> leftover_of(unsigned index) {
    const bpf_tc_hook hook = ingress_of(index);
    for (std::uint32_t restore = 0; restore < restore_end; ++restore) {
        bpf_tc_opts filter = filter_with(restore);
        if ((restore & restore_chain) != 0 ? has_ingress_chain(index, restore)
                                           : bpf_tc_query(&hook, &filter) == 0) {
            return restore;
        }
    }
    return std::nullopt;
}

// Negative errno. The program is two instructions long, so no compiler is needed for it.
int attach_classifier(unsigned index, std::uint32_t& restore) {
    const std::array<bpf_insn, 2> program{
        bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K,
                 .dst_reg = BPF_REG_0,
                 .src_reg = 0,
                 .off = 0,
                 .imm = TC_ACT_SHOT},
        bpf_insn{.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
    };
    const FileDescriptor loaded{bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "towpath_guard", "BSD",
                                              program.data(), program.size(), nullptr)};
    if (!loaded.is_open()) {
        return -errno;
    }
    bpf_tc_hook hook = ingress_of(index);
    const int created = bpf_tc_hook_create(&hook);
    if (created == 0) {
        restore |= restore_clsact_absent;
    } else if (created != -EEXIST) {
        return created;
    }
    bpf_tc_opts filter = filter_with(restore);
    filter.prog_fd = loaded.number();
    return bpf_tc_attach(&hook, &filter);
}

// Negative errno, of the classifier if neither is to be had.
int attach_drop(const KernelDevice& device, std::uint32_t& restore) {
    int error = 0;
    if ((restore & restore_chain) == 0) {
        error = attach_classifier(device.index, restore);
        if (error == 0) {
            return 0;
        }
        restore |= restore_chain;
    }
    const int chain_error = add_ingress_chain(device.index, device.name, restore);
    return chain_error == 0 ? 0 : error != 0 ? error : chain_error;
}

// An address in the namespace that only one process can hold, and none after it died.
FileDescriptor lock_device(unsigned index) {
    FileDescriptor lock{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = "towpath-port-" + std::to_string(index);
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (!lock.is_open() ||
        ::bind(lock.number(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
        return FileDescriptor{};
    }
    return lock;
}

std::uint32_t what_is_on(const std::string& name) {
    std::uint32_t restore = 0;
    restore |= has_ipv6(name) ? restore_ipv6_on : 0U;
    restore |= is_merging(name, ReceiveMerge::generic) ? restore_generic_merge : 0U;
    restore |= is_merging(name, ReceiveMerge::large) ? restore_large_merge : 0U;
    restore |= is_administratively_up(name) ? 0U : restore_down;
    return restore;
}

// The routes that go with `addresses`, all that the device has. Those to the addresses' own
// networks come back with them.
std::string lost_routes(const PortRequest& request, const KernelDevice& device,
                        const std::vector<InterfaceAddress>& addresses) {
    std::string list;
    std::size_t unnamed = 0;
    for (const KernelRoute& route : kernel_routes_of(device.name)) {
        const bool comes_back =
            route.via.is_unspecified() &&
            std::any_of(addresses.begin(), addresses.end(), [&](const InterfaceAddress& address) {
                return address.prefix == route.to;
            });
        if (comes_back) {
            continue;
        }
        if (list.size() > kNamedRoutes_bytes) {
            ++unnamed;
            continue;
        }
        list += (list.empty() ? "" : ", ") + to_string(route);
    }
    if (list.empty()) {
        return {};
    }
    list += unnamed == 0 ? "" : " and " + std::to_string(unnamed) + " more";
    return request.name + ": the kernel's routes through " + device.name +
           " are gone with the adopted addresses and do not come back: " + list;
}

}  // namespace

Outcome<KernelGuard> KernelGuard::install(const PortRequest& request, const KernelDevice& device) {
    libbpf_set_print(nullptr);  // what libbpf would print is in the sentences below
    FileDescriptor lock = lock_device(device.index);
    if (!lock.is_open()) {
        return fail(ExitCode::address_in_use,
                    request.name + ": " + device.name + " is held by another Towpath process");
    }
    const std::vector<InterfaceAddress> addresses = kernel_addresses_of(device.name);
    if (!addresses.empty() && !request.adopt_address) {
        const std::string address = to_string(addresses.front());
        return fail(ExitCode::refused, request.name + ": the kernel has the address " + address +
                                           " on " + device.name + ": remove it (ip address del " +
                                           address + " dev " + device.name +
                                           ") or set adopt-address: true");
    }
    // What a killed process left is taken over without a moment in which the kernel hears.
    const std::optional<std::uint32_t> leftover = leftover_of(device.index);
    std::uint32_t restore = what_is_on(device.name) | leftover.value_or(0);
    if (const int error = leftover == restore ? 0 : attach_drop(device, restore); error != 0) {
        if (error == -EPERM || error == -EACCES) {
            return fail(ExitCode::no_permission,
                        request.name + ": keeping the kernel off " + device.name +
                            " needs CAP_NET_ADMIN and CAP_BPF: run as root");
        }
        return fail(ExitCode::port_unavailable,
                    request.name + ": the kernel cannot be kept off " + device.name +
                        " (it takes neither a BPF classifier nor a netfilter chain at its "
                        "ingress: " +
                        std::strerror(-error) + ")");
    }
    if (leftover.has_value() && leftover != restore) {
        detach(device.index, *leftover);
    }
    KernelGuard guard{device, std::move(lock), restore};
    if (!addresses.empty()) {
        guard.note_ = lost_routes(request, device, addresses);
    }
    auto adopted = AdoptedAddresses::take(device.index, addresses, request.adopted_file);
    if (!adopted) {
        return fail(adopted.error().exit_code, request.name + ": " + adopted.error().sentence);
    }
    guard.adopted_ = *std::move(adopted);
    set_ipv6(device.name, false);
    (void)set_merging(device.name, ReceiveMerge::generic, false);
    (void)set_merging(device.name, ReceiveMerge::large, false);
    if (!set_administratively_up(device.name, true)) {
        return fail(ExitCode::port_unavailable,
                    request.name + ": " + device.name + " cannot be brought up");
    }
    return guard;
}

KernelGuard::KernelGuard(const KernelDevice& device, FileDescriptor lock,
                         std::uint32_t restore) noexcept
    : name_{device.name}, index_{device.index}, lock_{std::move(lock)}, restore_{restore} {}

KernelGuard::KernelGuard(KernelGuard&& other) noexcept
    : name_{std::move(other.name_)},
      index_{std::exchange(other.index_, 0)},
      lock_{std::move(other.lock_)},
      restore_{other.restore_},
      note_{std::move(other.note_)},
      adopted_{std::move(other.adopted_)} {}

KernelGuard::~KernelGuard() {
    if (index_ != 0) {
        put_back(name_, index_, restore_);
    }
}

}  // namespace towpath::port
