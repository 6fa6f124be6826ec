// SPDX-License-Identifier: BSD-3-Clause
// DPDK's environment: memory, device buses, its log. One per process and once in its life
// (decisions.md N14, N16). Not a thread model: only the calling thread becomes an lcore; workers
// are our own threads and hold a ThreadRegistration.
//
// Hugepages when there are enough (--in-memory: no files), otherwise --no-huge sized by capacity.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "dataplane/wire/result.h"

namespace towpath::dpdk {

struct EalRequest {
    std::filesystem::path run_directory;  // exists; EAL keeps what it must write below it
    std::string instance = "towpath";
    std::size_t memory_bytes = 0;            // packet pools, rings and device queues together
    std::vector<std::string> pci_addresses;  // "0000:00:04.0"; no other PCI device is touched
    bool may_use_hugepages = true;
};

class Eal {
public:
    // usage: a second call in one process. no_memory, no_permission, failed: EAL's own refusal.
    [[nodiscard]] static Outcome<Eal> start(const EalRequest& request);

    Eal(Eal&& other) noexcept;
    Eal& operator=(Eal&&) = delete;
    // Everything made of EAL's memory is gone before this.
    ~Eal();

    [[nodiscard]] bool has_hugepages() const noexcept { return has_hugepages_; }

private:
    Eal(std::filesystem::path runtime, bool has_hugepages) noexcept;

    std::filesystem::path runtime_;  // removed at the end; empty when moved from
    bool has_hugepages_;
};

// Makes the calling thread known to EAL for its life, so that it gets packet caches of its own.
// Destroyed on the same thread.
class ThreadRegistration {
public:
    // failed: EAL has no place left for a thread (RTE_MAX_LCORE).
    [[nodiscard]] static Outcome<ThreadRegistration> register_this_thread();

    ThreadRegistration(ThreadRegistration&& other) noexcept;
    ThreadRegistration& operator=(ThreadRegistration&&) = delete;
    ~ThreadRegistration();

private:
    explicit ThreadRegistration(bool owns) noexcept : owns_{owns} {}
    bool owns_;
};

}  // namespace towpath::dpdk
