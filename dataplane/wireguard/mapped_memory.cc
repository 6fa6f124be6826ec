// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/mapped_memory.h"

#include <sys/mman.h>

#include <cstdint>

namespace towpath::wireguard {
namespace {

constexpr std::size_t kHugePage_bytes = std::size_t{2} << 20U;

// What fills less than half of a huge page does not take one.
constexpr bool is_large(std::size_t size_bytes) noexcept {
    return size_bytes >= kHugePage_bytes / 2;
}
constexpr std::size_t mapped_bytes(std::size_t size_bytes) noexcept {
    return is_large(size_bytes)
               ? (size_bytes + kHugePage_bytes - 1) / kHugePage_bytes * kHugePage_bytes
               : size_bytes;
}

std::byte* map(std::size_t size_bytes) noexcept {
    void* const begin =
        ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return begin == MAP_FAILED ? nullptr : static_cast<std::byte*>(begin);
}

// Of whole huge pages, begun on one: what is left over on both sides goes back.
std::byte* map_aligned(std::size_t size_bytes) noexcept {
    std::byte* const begin = map(size_bytes + kHugePage_bytes);
    if (begin == nullptr) {
        return nullptr;
    }
    const std::size_t beyond = reinterpret_cast<std::uintptr_t>(begin) % kHugePage_bytes;
    const std::size_t before = beyond == 0 ? 0 : kHugePage_bytes - beyond;
    if (before != 0) {
        static_cast<void>(::munmap(begin, before));
    }
    static_cast<void>(::munmap(begin + before + size_bytes, kHugePage_bytes - before));
    static_cast<void>(::madvise(begin + before, size_bytes, MADV_HUGEPAGE));
    return begin + before;
}

}  // namespace

void* map_zeroed_bytes(std::size_t size_bytes, MapSecrecy secrecy) noexcept {
    const std::size_t whole_bytes = mapped_bytes(size_bytes);
    std::byte* const begin = is_large(size_bytes) ? map_aligned(whole_bytes) : map(whole_bytes);
    // Not needed to run: limits may forbid to lock memory.
    if (begin != nullptr && secrecy == MapSecrecy::secret) {
        static_cast<void>(::madvise(begin, whole_bytes, MADV_DONTDUMP));
        static_cast<void>(::mlock2(begin, whole_bytes, MLOCK_ONFAULT));
    }
    return begin;
}

void unmap_bytes(void* begin, std::size_t size_bytes) noexcept {
    static_cast<void>(::munmap(begin, mapped_bytes(size_bytes)));
}

}  // namespace towpath::wireguard
