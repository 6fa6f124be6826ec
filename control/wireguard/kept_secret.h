// SPDX-License-Identifier: BSD-3-Clause
// A 32-byte secret that a peer keeps for as long as it is configured: wiped when destroyed or moved
// from, never printed. Unlike crypto::Key it has no cache line of its own, because there are many
// and none of them is a cipher's key (decisions.md W16).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "dataplane/crypto/secret.h"

namespace towpath::control::wireguard {

class KeptSecret {
public:
    static constexpr std::size_t kLength_bytes = 32;

    KeptSecret() = default;
    explicit KeptSecret(std::span<const std::byte, kLength_bytes> bytes) noexcept {
        std::copy(bytes.begin(), bytes.end(), bytes_.begin());
    }
    KeptSecret(const KeptSecret&) = delete;
    KeptSecret& operator=(const KeptSecret&) = delete;
    KeptSecret(KeptSecret&& other) noexcept : bytes_{other.bytes_} { other.clear(); }
    KeptSecret& operator=(KeptSecret&& other) noexcept {
        if (this != &other) {
            bytes_ = other.bytes_;
            other.clear();
        }
        return *this;
    }
    ~KeptSecret() { clear(); }

    [[nodiscard]] std::span<std::byte, kLength_bytes> bytes() noexcept { return bytes_; }
    [[nodiscard]] std::span<const std::byte, kLength_bytes> bytes() const noexcept {
        return bytes_;
    }

private:
    void clear() noexcept { crypto::wipe(bytes_); }

    std::array<std::byte, kLength_bytes> bytes_{};
};

}  // namespace towpath::control::wireguard
