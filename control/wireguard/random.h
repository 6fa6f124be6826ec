// SPDX-License-Identifier: BSD-3-Clause
// Where unpredictable bytes come from: the kernel in the program, a seed in tests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/crypto/secret.h"

namespace towpath::control::wireguard {

class Random {
public:
    Random() = default;
    Random(const Random&) = delete;
    Random& operator=(const Random&) = delete;
    virtual ~Random() = default;

    virtual void fill(std::span<std::byte> bytes) noexcept = 0;

    template <std::size_t length_bytes>
    [[nodiscard]] crypto::Secret<length_bytes> secret() noexcept {
        crypto::Secret<length_bytes> made;
        fill(made.bytes());
        return made;
    }
    [[nodiscard]] std::uint64_t number() noexcept {
        std::array<std::byte, sizeof(std::uint64_t)> bytes{};
        fill(bytes);
        std::uint64_t made = 0;
        std::memcpy(&made, bytes.data(), sizeof made);
        return made;
    }
};

}  // namespace towpath::control::wireguard
