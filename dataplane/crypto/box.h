// SPDX-License-Identifier: BSD-3-Clause
// Authenticated encryption of single small messages, for handshakes. Packets of a tunnel go through
// aead.h.
#pragma once

#include <cstddef>
#include <span>

#include "dataplane/crypto/hash.h"
#include "dataplane/crypto/secret.h"

namespace towpath::crypto {

inline constexpr std::size_t kBoxTag_bytes = 16;
using XNonce = std::span<const std::byte, 24>;

// ChaCha20-Poly1305 (RFC 8439) with nonce 0: for keys that seal once. `sealed` is kBoxTag_bytes
// longer than `text`.
void seal(const Key& key, Bytes additional, Bytes text, std::span<std::byte> sealed) noexcept;
// False: not authentic, and `text` is unspecified. `text` is kBoxTag_bytes shorter than `sealed`.
[[nodiscard]] bool open(const Key& key, Bytes additional, Bytes sealed,
                        std::span<std::byte> text) noexcept;

// XChaCha20-Poly1305 with a nonce of 24 bytes: cookies. `key` has 32 bytes.
void seal_extended(Bytes key, XNonce nonce, Bytes additional, Bytes text,
                   std::span<std::byte> sealed) noexcept;
[[nodiscard]] bool open_extended(Bytes key, XNonce nonce, Bytes additional, Bytes sealed,
                                 std::span<std::byte> text) noexcept;

}  // namespace towpath::crypto
