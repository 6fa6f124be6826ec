// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/crypto/curve.h"

#include <sodium.h>

#include <type_traits>

#include "dataplane/wire/assertion.h"

namespace towpath::crypto {
namespace {

template <class Bytes>
auto* raw(Bytes&& bytes) noexcept {
    using Byte = std::remove_pointer_t<decltype(bytes.data())>;
    using Raw = std::conditional_t<std::is_const_v<Byte>, const unsigned char, unsigned char>;
    return reinterpret_cast<Raw*>(bytes.data());
}

}  // namespace

void clamp(PrivateKey& key) noexcept {
    key.bytes()[0] &= std::byte{0xF8};
    key.bytes()[31] &= std::byte{0x7F};
    key.bytes()[31] |= std::byte{0x40};
}

PublicKey public_key_of(const PrivateKey& key) noexcept {
    PublicKey result{};
    TOWPATH_ASSERT(crypto_scalarmult_base(raw(result), raw(key.bytes())) == 0);
    return result;
}

std::optional<SharedSecret> shared_secret(const PrivateKey& own, const PublicKey& other) noexcept {
    SharedSecret result;
    if (crypto_scalarmult(raw(result.bytes()), raw(own.bytes()), raw(other)) != 0) {
        return std::nullopt;
    }
    return result;
}

}  // namespace towpath::crypto
