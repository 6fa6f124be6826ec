// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/mapped_memory.h"

#include <sys/mman.h>

namespace towpath::wireguard {

void* map_zeroed_bytes(std::size_t size_bytes, MapSecrecy secrecy) noexcept {
    void* const begin =
        ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (begin == MAP_FAILED) {
        return nullptr;
    }
    // None of it is needed to run: limits may forbid to lock memory.
    static_cast<void>(::madvise(begin, size_bytes, MADV_HUGEPAGE));
    if (secrecy == MapSecrecy::secret) {
        static_cast<void>(::madvise(begin, size_bytes, MADV_DONTDUMP));
        static_cast<void>(::mlock2(begin, size_bytes, MLOCK_ONFAULT));
    }
    return begin;
}

void unmap_bytes(void* begin, std::size_t size_bytes) noexcept {
    static_cast<void>(::munmap(begin, size_bytes));
}

}  // namespace towpath::wireguard
