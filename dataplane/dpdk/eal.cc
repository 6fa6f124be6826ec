// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dpdk/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <system_error>
#include <utility>

namespace towpath::dpdk {

namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20U;
constexpr std::size_t kMemoryMinimum_bytes = 32 * kMebibyte;

// Bytes in free hugepages of every size.
std::size_t free_hugepage_bytes() {
    std::size_t total = 0;
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator{"/sys/kernel/mm/hugepages", error}) {
        // "hugepages-2048kB"
        const std::string name = entry.path().filename();
        const std::size_t size_kib =
            std::strtoull(name.c_str() + sizeof "hugepages-" - 1, nullptr, 10);
        std::size_t pages = 0;
        std::ifstream{entry.path() / "free_hugepages"} >> pages;
        total += pages * size_kib * 1024;
    }
    return total;
}

// "0@(1,2)": the calling thread is the one lcore and keeps the processors that it may use.
std::string lcore_argument(const cpu_set_t& allowed) {
    std::string processors;
    for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
        if (CPU_ISSET(processor, &allowed)) {
            processors += (processors.empty() ? "" : ",") + std::to_string(processor);
        }
    }
    return "0@(" + processors + ")";
}

std::vector<std::string> arguments_for(const EalRequest& request, bool hugepages,
                                       const cpu_set_t& allowed) {
    const std::size_t bytes = std::max(request.memory_bytes, kMemoryMinimum_bytes);
    std::vector<std::string> arguments{"towpathd", "--file-prefix=" + request.instance,
                                       "--lcores=" + lcore_argument(allowed), "--no-telemetry",
                                       "--log-level=warning",
                                       // It warns of every hugepage size that is not there.
                                       "--log-level=lib.eal:error",
                                       // It complains that there are no secondary processes.
                                       "--log-level=pmd.net.memif:error",
                                       // It reports the lack of flow rules, which nobody asks for.
                                       "--log-level=pmd.net.tap:critical", "-m",
                                       std::to_string((bytes + kMebibyte - 1) / kMebibyte)};
    if (hugepages) {
        arguments.emplace_back("--in-memory");
    } else {
        arguments.emplace_back("--no-huge");
        arguments.emplace_back("--no-shconf");
    }
    if (request.pci_addresses.empty()) {
        arguments.emplace_back("--no-pci");
        arguments.emplace_back("--iova-mode=va");
    }
    for (const std::string& address : request.pci_addresses) {
        arguments.insert(arguments.end(), {"-a", address});
    }
    return arguments;
}

Failure refusal(int error, bool hugepages, std::size_t memory_bytes) {
    const std::string memory = std::to_string(memory_bytes / kMebibyte) + " MiB of " +
                               (hugepages ? "hugepages" : "memory");
    switch (error) {
        case ENOMEM:
            return {ExitCode::no_memory,
                    "packet memory could not be had: " + memory + " asked for"};
        case EACCES:
        case EPERM:
            return {ExitCode::no_permission, "DPDK may not start: run as root"};
        default:
            return {ExitCode::failed, std::string{"DPDK could not start with "} + memory + ": " +
                                          rte_strerror(error)};
    }
}

}  // namespace

Outcome<Eal> Eal::start(const EalRequest& request) {
    static bool was_started = false;
    if (std::exchange(was_started, true)) {
        return fail(ExitCode::usage, "DPDK starts once in the life of a process");
    }
    const bool hugepages =
        request.may_use_hugepages && free_hugepage_bytes() >= request.memory_bytes + kMebibyte * 64;
    // EAL puts its folder under this directory; a folder that a killed process left is ours, for
    // the caller holds the instance's lock.
    const std::filesystem::path runtime = request.run_directory / "dpdk" / request.instance;
    std::error_code ignored;
    std::filesystem::remove_all(runtime, ignored);
    ::setenv("RUNTIME_DIRECTORY", request.run_directory.c_str(), 1);

    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        return fail(ExitCode::failed, "the processors of this process cannot be read");
    }
    rte_openlog_stream(stderr);
    std::vector<std::string> arguments = arguments_for(request, hugepages, allowed);
    std::vector<char*> pointers;
    for (std::string& argument : arguments) {
        pointers.push_back(argument.data());
    }
    if (rte_eal_init(static_cast<int>(pointers.size()), pointers.data()) < 0) {
        const int error = rte_errno;
        std::filesystem::remove_all(runtime, ignored);
        return tl::unexpected<Failure>{refusal(error, hugepages, request.memory_bytes)};
    }
    // EAL pins the thread and threads made later would inherit that.
    (void)::sched_setaffinity(0, sizeof allowed, &allowed);
    return Eal{runtime, hugepages};
}

Eal::Eal(std::filesystem::path runtime, bool has_hugepages) noexcept
    : runtime_{std::move(runtime)}, has_hugepages_{has_hugepages} {}

Eal::Eal(Eal&& other) noexcept
    : runtime_{std::exchange(other.runtime_, {})}, has_hugepages_{other.has_hugepages_} {}

Eal::~Eal() {
    if (runtime_.empty()) {
        return;
    }
    rte_eal_cleanup();
    std::error_code ignored;
    std::filesystem::remove_all(runtime_, ignored);
    std::filesystem::remove(runtime_.parent_path(), ignored);  // only when empty
}

Outcome<ThreadRegistration> ThreadRegistration::register_this_thread() {
    if (rte_lcore_id() != LCORE_ID_ANY) {
        return ThreadRegistration{false};
    }
    if (rte_thread_register() != 0) {
        return fail(ExitCode::failed, "DPDK has no place for another thread: " +
                                          std::string{rte_strerror(rte_errno)});
    }
    return ThreadRegistration{true};
}

ThreadRegistration::ThreadRegistration(ThreadRegistration&& other) noexcept
    : owns_{std::exchange(other.owns_, false)} {}

ThreadRegistration::~ThreadRegistration() {
    if (owns_) {
        rte_thread_unregister();
    }
}

}  // namespace towpath::dpdk
