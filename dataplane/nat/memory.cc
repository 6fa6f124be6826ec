// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat/memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace towpath::nat {

namespace {

constexpr std::size_t kHugePage_bytes = 2U << 20U;

}  // namespace

Memory::~Memory() {
    if (begin_ != nullptr) {
        munmap(begin_, size_bytes_);
    }
}

Memory::Memory(Memory&& other) noexcept {
    *this = std::move(other);
}

Memory& Memory::operator=(Memory&& other) noexcept {
    std::swap(begin_, other.begin_);
    std::swap(size_bytes_, other.size_bytes_);
    std::swap(used_bytes_, other.used_bytes_);
    std::swap(is_huge_, other.is_huge_);
    return *this;
}

Outcome<Memory> Memory::reserve(std::size_t size_bytes, Touch touch) {
    Memory memory;
    if (size_bytes == 0) {
        return memory;
    }
    const bool is_large = size_bytes >= kHugePage_bytes;
    memory.size_bytes_ =
        is_large ? (size_bytes + kHugePage_bytes - 1) & ~(kHugePage_bytes - 1) : size_bytes;
    const int populate = touch == Touch::now ? MAP_POPULATE : 0;
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS;
    void* begin = MAP_FAILED;
    // Huge pages of the system's pool only where all is touched at once: a later touch that finds
    // the pool empty would be a SIGBUS.
    if (is_large && touch == Touch::now) {
        begin = mmap(nullptr, memory.size_bytes_, PROT_READ | PROT_WRITE,
                     kFlags | MAP_HUGETLB | populate, -1, 0);
        memory.is_huge_ = begin != MAP_FAILED;
    }
    if (begin == MAP_FAILED) {
        begin = mmap(nullptr, memory.size_bytes_, PROT_READ | PROT_WRITE, kFlags, -1, 0);
        if (begin != MAP_FAILED && is_large) {
            // Advice only: without transparent huge pages ordinary ones serve.
            static_cast<void>(madvise(begin, memory.size_bytes_, MADV_HUGEPAGE));
        }
    }
    if (begin == MAP_FAILED) {
        memory.size_bytes_ = 0;
        return fail(ExitCode::no_memory, "cannot reserve " + std::to_string(size_bytes >> 20U) +
                                             " MiB for NAT tables: " + std::strerror(errno) +
                                             "; lower the capacity");
    }
    memory.begin_ = static_cast<std::byte*>(begin);
    if (touch == Touch::now && !memory.is_huge_) {
        std::memset(begin, 0, memory.size_bytes_);
    }
    return memory;
}

}  // namespace towpath::nat
