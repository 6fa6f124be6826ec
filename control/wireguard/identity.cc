// SPDX-License-Identifier: BSD-3-Clause
#include "control/wireguard/identity.h"

#include <string_view>
#include <utility>

namespace towpath::control::wireguard {

LabelledKeys labelled_keys_of(const crypto::PublicKey& key) noexcept {
    const auto labelled = [&key](std::string_view label) {
        return crypto::hash({std::as_bytes(std::span{label}), key});
    };
    return {.mac1 = labelled("mac1----"), .cookie = labelled("cookie--")};
}

Identity::Identity(crypto::PrivateKey private_key) noexcept : private_key_{std::move(private_key)} {
    crypto::clamp(private_key_);
    public_key_ = crypto::public_key_of(private_key_);
    keys_ = labelled_keys_of(public_key_);
}

Remote::Remote(const crypto::PublicKey& public_key, const crypto::SharedSecret& static_static,
               PresharedKey preshared_key) noexcept
    : public_key_{public_key},
      static_static_{static_static.bytes()},
      preshared_key_{std::move(preshared_key)},
      keys_{labelled_keys_of(public_key)} {}

std::optional<Remote> Remote::create(const Identity& identity, const crypto::PublicKey& public_key,
                                     PresharedKey preshared_key) noexcept {
    auto static_static = crypto::shared_secret(identity.private_key(), public_key);
    if (!static_static) {
        return std::nullopt;
    }
    return Remote{public_key, *static_static, std::move(preshared_key)};
}

}  // namespace towpath::control::wireguard
