// SPDX-License-Identifier: BSD-3-Clause
// Who we are and who a peer is, with what the handshake needs of both computed once
// (wireguard.md section 3).
#pragma once

#include <optional>

#include "control/wireguard/kept_secret.h"
#include "dataplane/crypto/curve.h"
#include "dataplane/crypto/hash.h"

namespace towpath::control::wireguard {

using PresharedKey = KeptSecret;

// Keys that belong to a public key: mac1 of what is sent to it, cookies that it gives out.
struct LabelledKeys {
    crypto::Hash mac1{};
    crypto::Hash cookie{};
};
[[nodiscard]] LabelledKeys labelled_keys_of(const crypto::PublicKey& key) noexcept;

// Our side. The private key is clamped.
class Identity {
public:
    explicit Identity(crypto::PrivateKey private_key) noexcept;

    [[nodiscard]] const crypto::PrivateKey& private_key() const noexcept { return private_key_; }
    [[nodiscard]] const crypto::PublicKey& public_key() const noexcept { return public_key_; }
    [[nodiscard]] const LabelledKeys& keys() const noexcept { return keys_; }

private:
    crypto::PrivateKey private_key_;
    crypto::PublicKey public_key_;
    LabelledKeys keys_;
};

// A peer as one identity of ours sees it.
class Remote {
public:
    // Nothing if the public key is of low order: no handshake with it can succeed
    // (wireguard.md 18.4). A preshared key of zeros is none.
    [[nodiscard]] static std::optional<Remote> create(const Identity& identity,
                                                      const crypto::PublicKey& public_key,
                                                      PresharedKey preshared_key) noexcept;

    [[nodiscard]] const crypto::PublicKey& public_key() const noexcept { return public_key_; }
    [[nodiscard]] const KeptSecret& static_static() const noexcept { return static_static_; }
    [[nodiscard]] const PresharedKey& preshared_key() const noexcept { return preshared_key_; }
    [[nodiscard]] const LabelledKeys& keys() const noexcept { return keys_; }

private:
    Remote(const crypto::PublicKey& public_key, const crypto::SharedSecret& static_static,
           PresharedKey preshared_key) noexcept;

    crypto::PublicKey public_key_;
    KeptSecret static_static_;
    PresharedKey preshared_key_;
    LabelledKeys keys_;
};

}  // namespace towpath::control::wireguard
