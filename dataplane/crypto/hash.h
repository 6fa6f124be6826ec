// SPDX-License-Identifier: BSD-3-Clause
// BLAKE2s (RFC 7693) as WireGuard uses it: hash, keyed hash and the key derivation built on HMAC
// (wireguard.md section 3).
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>

#include "dataplane/crypto/secret.h"

namespace towpath::crypto {

inline constexpr std::size_t kHash_bytes = 32;
inline constexpr std::size_t kMac_bytes = 16;

using Bytes = std::span<const std::byte>;
using Hash = std::array<std::byte, kHash_bytes>;
using Mac = std::array<std::byte, kMac_bytes>;
using ChainingKey = Secret<kHash_bytes>;

// H(parts one after the other).
[[nodiscard]] Hash hash(std::initializer_list<Bytes> parts) noexcept;
// MAC(key, parts): keyed BLAKE2s, 16 bytes. `key` has 1 to 32 bytes.
[[nodiscard]] Mac keyed_mac(Bytes key, std::initializer_list<Bytes> parts) noexcept;
// HMAC over unkeyed BLAKE2s (RFC 2104), which is not keyed BLAKE2s. `key` has at most 64 bytes.
[[nodiscard]] Hash hmac(Bytes key, std::initializer_list<Bytes> parts) noexcept;

// KDFn(chaining_key, input), n from 1 to 3.
template <std::size_t n>
using Derived = std::array<Secret<kHash_bytes>, n>;
[[nodiscard]] Derived<1> derive_1(Bytes chaining_key, Bytes input) noexcept;
[[nodiscard]] Derived<2> derive_2(Bytes chaining_key, Bytes input) noexcept;
[[nodiscard]] Derived<3> derive_3(Bytes chaining_key, Bytes input) noexcept;

// Constant time for equal lengths; different lengths are different.
[[nodiscard]] bool is_equal(Bytes left, Bytes right) noexcept;

}  // namespace towpath::crypto
