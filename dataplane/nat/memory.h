// SPDX-License-Identifier: BSD-3-Clause
// One zeroed region of memory for tables, reserved at start: huge pages if the system gives them,
// ordinary ones (advised huge) if not. Owns the mapping; hands out aligned pieces in order.
#pragma once

#include <cstddef>
#include <new>

#include "dataplane/wire/assertion.h"
#include "dataplane/wire/result.h"

namespace towpath::nat {

class Memory {
public:
    enum class Touch : bool { later, now };  // now: no page fault is left for the data path

    Memory() = default;
    ~Memory();
    Memory(Memory&& other) noexcept;
    Memory& operator=(Memory&& other) noexcept;

    // Fails with no_memory.
    [[nodiscard]] static Outcome<Memory> reserve(std::size_t size_bytes, Touch touch);

    // `count` default-constructed objects on their own cache lines. Asking for more than was
    // reserved is a bug.
    template <class T>
    [[nodiscard]] T* take(std::size_t count) noexcept {
        std::byte* begin = take_bytes(size_of<T>(count));
        T* objects = reinterpret_cast<T*>(begin);
        for (std::size_t position = 0; position < count; ++position) {
            new (objects + position) T{};
        }
        return objects;
    }
    // As take(), for types whose default is all zeroes: the pages stay untouched.
    template <class T>
    [[nodiscard]] T* take_zeroed(std::size_t count) noexcept {
        return reinterpret_cast<T*>(take_bytes(size_of<T>(count)));
    }
    template <class T>
    [[nodiscard]] static constexpr std::size_t size_of(std::size_t count) noexcept {
        return (sizeof(T) * count + 63U) & ~std::size_t{63};
    }
    [[nodiscard]] std::size_t size_bytes() const noexcept { return size_bytes_; }
    [[nodiscard]] bool is_huge() const noexcept { return is_huge_; }

private:
    [[nodiscard]] std::byte* take_bytes(std::size_t bytes) noexcept {
        TOWPATH_ASSERT(bytes <= size_bytes_ - used_bytes_);
        std::byte* begin = begin_ + used_bytes_;
        used_bytes_ += bytes;
        return begin;
    }

    std::byte* begin_ = nullptr;
    std::size_t size_bytes_ = 0;
    std::size_t used_bytes_ = 0;
    bool is_huge_ = false;
};

}  // namespace towpath::nat
