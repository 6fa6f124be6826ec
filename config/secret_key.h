// SPDX-License-Identifier: BSD-3-Clause
// A private or preshared key of a configuration: 32 bytes that are wiped with the object and have
// no text form, so that nothing that prints a Config can print them. It may be copied, because a
// Config is compared with the one before it.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <span>

namespace towpath::config {

inline constexpr std::size_t kKeyLength_bytes = 32;
using PublicKeyBytes = std::array<std::byte, kKeyLength_bytes>;

class SecretKey {
public:
    SecretKey() = default;
    explicit SecretKey(std::span<const std::byte, kKeyLength_bytes> bytes) noexcept {
        std::memcpy(bytes_.data(), bytes.data(), bytes_.size());
    }
    SecretKey(const SecretKey&) = default;
    SecretKey& operator=(const SecretKey&) = default;
    ~SecretKey() { ::explicit_bzero(bytes_.data(), bytes_.size()); }

    [[nodiscard]] std::span<const std::byte, kKeyLength_bytes> bytes() const noexcept {
        return bytes_;
    }
    // No key at all.
    [[nodiscard]] bool is_zero() const noexcept { return bytes_ == decltype(bytes_){}; }
    friend bool operator==(const SecretKey&, const SecretKey&) = default;

private:
    std::array<std::byte, kKeyLength_bytes> bytes_{};
};

}  // namespace towpath::config
