// SPDX-License-Identifier: BSD-3-Clause
// Memory of tables: mapped and zero, so that what is not used costs nothing, and advised to be huge
// pages, because packets of many peers touch it at random.
#pragma once

#include <cstddef>
#include <cstdint>

namespace towpath::wireguard {

// secret: kept out of core dumps and, as far as limits allow, out of swap.
enum class MapSecrecy : bool { ordinary, secret };

// Null if there is none. A whole number of pages.
[[nodiscard]] void* map_zeroed_bytes(std::size_t size_bytes, MapSecrecy secrecy) noexcept;
void unmap_bytes(void* begin, std::size_t size_bytes) noexcept;

// `count` objects whose default is all zeroes.
template <class T>
[[nodiscard]] T* map_zeroed(std::size_t count, MapSecrecy secrecy) noexcept {
    return static_cast<T*>(map_zeroed_bytes(sizeof(T) * count, secrecy));
}
template <class T>
void unmap(T* begin, std::size_t count) noexcept {
    unmap_bytes(begin, sizeof(T) * count);
}

}  // namespace towpath::wireguard
