// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/crypto/box.h"

#include <sodium.h>

#include <array>

#include "dataplane/wire/assertion.h"

namespace towpath::crypto {
namespace {

constexpr std::array<unsigned char, 12> kNonceZero{};
static_assert(kBoxTag_bytes == crypto_aead_chacha20poly1305_ietf_ABYTES);

const unsigned char* raw(Bytes bytes) noexcept {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* raw(std::span<std::byte> bytes) noexcept {
    return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace

void seal(const Key& key, Bytes additional, Bytes text, std::span<std::byte> sealed) noexcept {
    TOWPATH_ASSERT(sealed.size() == text.size() + kBoxTag_bytes);
    crypto_aead_chacha20poly1305_ietf_encrypt(raw(sealed), nullptr, raw(text), text.size(),
                                              raw(additional), additional.size(), nullptr,
                                              kNonceZero.data(), raw(key.bytes()));
}

bool open(const Key& key, Bytes additional, Bytes sealed, std::span<std::byte> text) noexcept {
    TOWPATH_ASSERT(sealed.size() == text.size() + kBoxTag_bytes);
    return crypto_aead_chacha20poly1305_ietf_decrypt(
               raw(text), nullptr, nullptr, raw(sealed), sealed.size(), raw(additional),
               additional.size(), kNonceZero.data(), raw(key.bytes())) == 0;
}

void seal_extended(Bytes key, XNonce nonce, Bytes additional, Bytes text,
                   std::span<std::byte> sealed) noexcept {
    TOWPATH_ASSERT(key.size() == 32 && sealed.size() == text.size() + kBoxTag_bytes);
    crypto_aead_xchacha20poly1305_ietf_encrypt(raw(sealed), nullptr, raw(text), text.size(),
                                               raw(additional), additional.size(), nullptr,
                                               raw(nonce), raw(key));
}

bool open_extended(Bytes key, XNonce nonce, Bytes additional, Bytes sealed,
                   std::span<std::byte> text) noexcept {
    TOWPATH_ASSERT(key.size() == 32 && sealed.size() == text.size() + kBoxTag_bytes);
    return crypto_aead_xchacha20poly1305_ietf_decrypt(raw(text), nullptr, nullptr, raw(sealed),
                                                      sealed.size(), raw(additional),
                                                      additional.size(), raw(nonce), raw(key)) == 0;
}

}  // namespace towpath::crypto
