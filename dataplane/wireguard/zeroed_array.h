// SPDX-License-Identifier: BSD-3-Clause
// An array of fixed size that begins as zeroes and takes physical memory only where it is written:
// a table sized for the worst case costs what it holds. Mapped once; no room for it at start is
// fatal.
#pragma once

#include <sys/mman.h>

#include <cstddef>

#include "dataplane/wire/assertion.h"
#include "dataplane/wireguard/mapped_memory.h"

namespace towpath::wireguard {

// huge: for what packets read at random. ordinary: for what only the writer uses, or small tables
// would take megabytes for it.
enum class Pages : bool { ordinary, huge };

// T: all zeroes is its initial value, and it needs no destruction.
template <class T>
class ZeroedArray {
public:
    // count > 0.
    ZeroedArray(std::size_t count, Pages pages) noexcept
        : begin_{map_zeroed<T>(count, MapSecrecy::ordinary)}, count_{count} {
        TOWPATH_ASSERT(begin_ != nullptr);
        if (pages == Pages::ordinary) {
            // Advice, as huge pages are.
            static_cast<void>(::madvise(begin_, size_bytes(), MADV_NOHUGEPAGE));
        }
    }
    ~ZeroedArray() { unmap(begin_, count_); }
    ZeroedArray(const ZeroedArray&) = delete;
    ZeroedArray& operator=(const ZeroedArray&) = delete;

    [[nodiscard]] T& operator[](std::size_t position) noexcept { return begin_[position]; }
    [[nodiscard]] const T& operator[](std::size_t position) const noexcept {
        return begin_[position];
    }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] std::size_t size_bytes() const noexcept { return count_ * sizeof(T); }

private:
    T* begin_;
    std::size_t count_;
};

}  // namespace towpath::wireguard
