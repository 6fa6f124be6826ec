// SPDX-License-Identifier: BSD-3-Clause
// Scalars with a byte order. A field on the wire is a BigEndian<T>; a number to compute with is a
// plain T. The conversion is always written out, so two byte orders never meet by accident.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>

namespace towpath {

template <std::unsigned_integral T>
constexpr T swap_bytes(T value) noexcept {
    if constexpr (sizeof(T) == 1) {
        return value;
    } else if constexpr (sizeof(T) == 2) {
        return __builtin_bswap16(value);
    } else if constexpr (sizeof(T) == 4) {
        return __builtin_bswap32(value);
    } else {
        static_assert(sizeof(T) == 8);
        return __builtin_bswap64(value);
    }
}

// Network byte order, alignment 1: may overlay packet bytes. No arithmetic, no ordering, nothing
// implicit.
template <std::unsigned_integral T>
class [[gnu::packed]] BigEndian {
public:
    BigEndian() = default;
    explicit constexpr BigEndian(T host) noexcept : raw_{swap_bytes(host)} {}
    [[nodiscard]] static constexpr BigEndian from_raw(T raw) noexcept {
        BigEndian value{};
        value.raw_ = raw;
        return value;
    }

    [[nodiscard]] constexpr T host() const noexcept { return swap_bytes(raw_); }
    // The bytes as they lie in memory: for checksums, hashing and comparing only.
    [[nodiscard]] constexpr T raw() const noexcept { return raw_; }

    friend constexpr bool operator==(BigEndian left, BigEndian right) noexcept {
        return left.raw_ == right.raw_;
    }

private:
    T raw_ = 0;
};

// Little-endian, alignment 1: WireGuard's messages. The same rules.
template <std::unsigned_integral T>
class [[gnu::packed]] LittleEndian {
public:
    LittleEndian() = default;
    explicit constexpr LittleEndian(T host) noexcept : raw_{host} {}

    [[nodiscard]] constexpr T host() const noexcept { return raw_; }

    friend constexpr bool operator==(LittleEndian left, LittleEndian right) noexcept {
        return left.raw_ == right.raw_;
    }

private:
    T raw_ = 0;
};

static_assert(std::endian::native == std::endian::little, "Towpath runs on x86-64 only");

using be16 = BigEndian<std::uint16_t>;
using be32 = BigEndian<std::uint32_t>;
using be64 = BigEndian<std::uint64_t>;
using le32 = LittleEndian<std::uint32_t>;
using le64 = LittleEndian<std::uint64_t>;

}  // namespace towpath
