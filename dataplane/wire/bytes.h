// SPDX-License-Identifier: BSD-3-Clause
// Headers over packet bytes. header_at is the only way from bytes to a header struct: it returns
// null when the bytes are not there.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

namespace towpath {

template <class H>
concept WireHeader = std::is_trivially_copyable_v<H> && alignof(H) == 1;

template <WireHeader H>
[[nodiscard]] H* header_at(std::span<std::byte> bytes, std::size_t offset) noexcept {
    if (offset > bytes.size() || bytes.size() - offset < sizeof(H)) {
        return nullptr;
    }
    return reinterpret_cast<H*>(bytes.data() + offset);
}

template <WireHeader H>
[[nodiscard]] const H* header_at(std::span<const std::byte> bytes, std::size_t offset) noexcept {
    if (offset > bytes.size() || bytes.size() - offset < sizeof(H)) {
        return nullptr;
    }
    return reinterpret_cast<const H*>(bytes.data() + offset);
}

}  // namespace towpath
