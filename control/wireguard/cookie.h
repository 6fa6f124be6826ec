// SPDX-License-Identifier: BSD-3-Clause
// mac1, mac2 and cookies (wireguard.md section 5): who may make us compute anything.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "control/wireguard/identity.h"
#include "dataplane/crypto/hash.h"
#include "dataplane/wire/wireguard.h"

namespace towpath::control::wireguard {

using Cookie = crypto::Mac;
using CookieSecret = crypto::Secret<32>;
using CookieNonce = std::array<std::byte, towpath::wireguard::kCookieNonceLength_bytes>;

// Fills mac1, and mac2 if a cookie of the receiver's is held; otherwise mac2 is zero. `Message` is
// Initiation or Response; `receiver` are the keys of the one that it is sent to.
template <class Message>
void authenticate(Message& message, const LabelledKeys& receiver,
                  const std::optional<Cookie>& cookie) noexcept;

// Whether mac1 was made for us. Constant time.
template <class Message>
[[nodiscard]] bool has_right_mac1(const Message& message, const LabelledKeys& own) noexcept;

// Whether mac2 was made with the cookie that its source was given. Constant time.
template <class Message>
[[nodiscard]] bool has_right_mac2(const Message& message, const Cookie& cookie) noexcept;

// The cookie of a source under a secret: `address` has 4 or 16 bytes, as on the wire.
[[nodiscard]] Cookie cookie_for(const CookieSecret& secret, std::span<const std::byte> address,
                                be16 port) noexcept;

// Tells the sender of a message with `mac1` to come back with this cookie. `nonce` is fresh and
// random.
[[nodiscard]] towpath::wireguard::CookieReply reply_with_cookie(const Cookie& cookie,
                                                                const LabelledKeys& own,
                                                                std::uint32_t receiver_index,
                                                                const CookieNonce& nonce,
                                                                const crypto::Mac& mac1) noexcept;
// The cookie in a reply to the last message that we sent with `last_mac1`; nothing if it is forged.
[[nodiscard]] std::optional<Cookie> read_cookie(const towpath::wireguard::CookieReply& reply,
                                                const LabelledKeys& remote,
                                                const crypto::Mac& last_mac1) noexcept;

}  // namespace towpath::control::wireguard
