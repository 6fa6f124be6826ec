// SPDX-License-Identifier: BSD-3-Clause
// Bytes that must not outlive their use: wiped when destroyed or moved from, never printed.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>

namespace towpath::crypto {

// Overwrites memory in a way that the compiler may not leave out.
inline void wipe(std::span<std::byte> bytes) noexcept {
    ::explicit_bzero(bytes.data(), bytes.size());
}

template <std::size_t length_bytes>
class Secret {
public:
    Secret() = default;
    explicit Secret(std::span<const std::byte, length_bytes> bytes) noexcept {
        std::copy(bytes.begin(), bytes.end(), bytes_.begin());
    }
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    Secret(Secret&& other) noexcept : bytes_{other.bytes_} { other.clear(); }
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            bytes_ = other.bytes_;
            other.clear();
        }
        return *this;
    }
    ~Secret() { clear(); }

    void clear() noexcept { wipe(bytes_); }
    [[nodiscard]] std::span<std::byte, length_bytes> bytes() noexcept { return bytes_; }
    [[nodiscard]] std::span<const std::byte, length_bytes> bytes() const noexcept { return bytes_; }

private:
    alignas(64) std::array<std::byte, length_bytes> bytes_{};
};

// A ChaCha20-Poly1305 key. In a cache line of its own: IPsec-MB 1.3 reads past 32 bytes on AVX2.
using Key = Secret<32>;

}  // namespace towpath::crypto
