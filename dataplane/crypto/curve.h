// SPDX-License-Identifier: BSD-3-Clause
// X25519 (RFC 7748).
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "dataplane/crypto/secret.h"

namespace towpath::crypto {

using PublicKey = std::array<std::byte, 32>;
using PrivateKey = Secret<32>;
using SharedSecret = Secret<32>;

// As RFC 7748 section 5 has it; WireGuard does it when a key is set, so that it reads back clamped.
void clamp(PrivateKey& key) noexcept;
[[nodiscard]] PublicKey public_key_of(const PrivateKey& key) noexcept;
// Nothing if the result is all zero: the other side's key is of low order, and the handshake fails.
[[nodiscard]] std::optional<SharedSecret> shared_secret(const PrivateKey& own,
                                                        const PublicKey& other) noexcept;

}  // namespace towpath::crypto
