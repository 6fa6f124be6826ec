// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/xdp_holder.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <poll.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

#include "dataplane/port/file_descriptor.h"

namespace towpath::port {
namespace {

constexpr int kAttemptsMax = 10;
constexpr int kPause_ms = 20;

std::optional<bpf_prog_info> describe_program(int program) noexcept {
    bpf_prog_info info{};
    __u32 length_bytes = sizeof info;
    if (bpf_obj_get_info_by_fd(program, &info, &length_bytes) != 0) {
        return std::nullopt;
    }
    return info;
}

// The link that attached the program to the device; ids of netdevs repeat over namespaces, ids of
// programs do not.
std::optional<std::uint32_t> find_link(const KernelDevice& device, std::uint32_t program_id) {
    std::uint32_t id = 0;
    while (bpf_link_get_next_id(id, &id) == 0) {
        const FileDescriptor link{bpf_link_get_fd_by_id(id)};
        bpf_link_info info{};
        __u32 length_bytes = sizeof info;
        if (link.is_open() && bpf_obj_get_info_by_fd(link.number(), &info, &length_bytes) == 0 &&
            info.type == BPF_LINK_TYPE_XDP && info.xdp.ifindex == device.index &&
            info.prog_id == program_id) {
            return id;
        }
    }
    return std::nullopt;
}

bool names_link(const std::filesystem::path& description, std::uint32_t link_id) {
    std::ifstream stream{description};
    std::string word;
    while (stream >> word) {
        if (word == "link_id:") {
            return stream >> word && word == std::to_string(link_id);
        }
    }
    return false;
}

// The process that has the link open. A link without one is pinned somewhere.
std::optional<std::string> find_process(std::uint32_t link_id) {
    namespace fs = std::filesystem;
    std::error_code error;
    for (fs::directory_iterator process{"/proc", error}, end; !error && process != end;
         process.increment(error)) {
        const std::string number = process->path().filename();
        if (number.find_first_not_of("0123456789") != std::string::npos) {
            continue;
        }
        std::error_code gone;  // a process may end while it is looked at
        for (fs::directory_iterator entry{process->path() / "fdinfo", gone}, last;
             !gone && entry != last; entry.increment(gone)) {
            if (names_link(entry->path(), link_id)) {
                return number;
            }
        }
    }
    return std::nullopt;
}

struct Attached {
    std::uint32_t program_id = 0;
    std::uint32_t mode = 0;  // XDP_FLAGS_*
};

std::optional<Attached> query_attached(const KernelDevice& device) noexcept {
    DECLARE_LIBBPF_OPTS(bpf_xdp_query_opts, found);
    if (bpf_xdp_query(static_cast<int>(device.index), 0, &found) != 0) {
        return std::nullopt;
    }
    if (found.drv_prog_id != 0) {
        return Attached{found.drv_prog_id, XDP_FLAGS_DRV_MODE};
    }
    if (found.skb_prog_id != 0) {
        return Attached{found.skb_prog_id, XDP_FLAGS_SKB_MODE};
    }
    if (found.hw_prog_id != 0) {
        return Attached{found.hw_prog_id, XDP_FLAGS_HW_MODE};
    }
    return std::nullopt;
}

void detach(const KernelDevice& device, const Attached& attached, int program,
            std::optional<std::uint32_t> link_id) {
    if (link_id) {
        const FileDescriptor link{bpf_link_get_fd_by_id(*link_id)};
        if (link.is_open()) {
            bpf_link_detach(link.number());
        }
        return;
    }
    DECLARE_LIBBPF_OPTS(bpf_xdp_attach_opts, options);
    options.old_prog_fd = program;
    bpf_xdp_detach(static_cast<int>(device.index), attached.mode, &options);
}

}  // namespace

Outcome<void> clear_stale_program(const std::string& interface_name, const KernelDevice& device,
                                  int program) {
    const auto ours = describe_program(program);
    std::string holder = "an XDP program that cannot be removed";
    for (int attempt = 0; ours && attempt < kAttemptsMax; ++attempt) {
        const auto attached = query_attached(device);
        if (!attached) {
            return {};
        }
        const FileDescriptor found{bpf_prog_get_fd_by_id(attached->program_id)};
        const auto theirs = describe_program(found.number());
        if (theirs) {
            const bool is_ours = std::strncmp(theirs->name, ours->name, sizeof ours->name) == 0 &&
                                 std::memcmp(theirs->tag, ours->tag, sizeof ours->tag) == 0;
            if (!is_ours) {
                return fail(ExitCode::address_in_use,
                            interface_name + ": " + device.name +
                                " already runs the XDP program \"" + theirs->name + "\" (id " +
                                std::to_string(attached->program_id) +
                                "), which is not Towpath's: detach it first");
            }
            const auto link_id = find_link(device, attached->program_id);
            const auto process = link_id ? find_process(*link_id) : std::nullopt;
            if (process) {
                holder = "Towpath's process " + *process;
            } else {
                detach(device, *attached, found.number(), link_id);
            }
        }
        static_cast<void>(::poll(nullptr, 0, kPause_ms));
    }
    return fail(ExitCode::address_in_use,
                interface_name + ": " + device.name + " is held by " + holder);
}

}  // namespace towpath::port
