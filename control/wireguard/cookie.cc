// SPDX-License-Identifier: BSD-3-Clause
#include "control/wireguard/cookie.h"

#include <cstddef>

#include "dataplane/crypto/box.h"

namespace towpath::control::wireguard {
namespace {

using towpath::wireguard::CookieReply;
using towpath::wireguard::Initiation;
using towpath::wireguard::Response;

// The bytes of a message in front of one of its macs.
template <class Message>
crypto::Bytes before(const Message& message, std::size_t mac_offset_bytes) noexcept {
    return std::as_bytes(std::span{&message, 1}).first(mac_offset_bytes);
}

}  // namespace

template <class Message>
void authenticate(Message& message, const LabelledKeys& receiver,
                  const std::optional<Cookie>& cookie) noexcept {
    message.mac1 = crypto::keyed_mac(receiver.mac1, {before(message, offsetof(Message, mac1))});
    message.mac2 = {};
    if (cookie) {
        message.mac2 = crypto::keyed_mac(*cookie, {before(message, offsetof(Message, mac2))});
    }
}
template void authenticate(Initiation&, const LabelledKeys&, const std::optional<Cookie>&) noexcept;
template void authenticate(Response&, const LabelledKeys&, const std::optional<Cookie>&) noexcept;

template <class Message>
bool has_right_mac1(const Message& message, const LabelledKeys& own) noexcept {
    return crypto::is_equal(
        message.mac1, crypto::keyed_mac(own.mac1, {before(message, offsetof(Message, mac1))}));
}
template bool has_right_mac1(const Initiation&, const LabelledKeys&) noexcept;
template bool has_right_mac1(const Response&, const LabelledKeys&) noexcept;

template <class Message>
bool has_right_mac2(const Message& message, const Cookie& cookie) noexcept {
    return crypto::is_equal(message.mac2,
                            crypto::keyed_mac(cookie, {before(message, offsetof(Message, mac2))}));
}
template bool has_right_mac2(const Initiation&, const Cookie&) noexcept;
template bool has_right_mac2(const Response&, const Cookie&) noexcept;

Cookie cookie_for(const CookieSecret& secret, std::span<const std::byte> address,
                  be16 port) noexcept {
    return crypto::keyed_mac(secret.bytes(), {address, std::as_bytes(std::span{&port, 1})});
}

CookieReply reply_with_cookie(const Cookie& cookie, const LabelledKeys& own,
                              std::uint32_t receiver_index, const CookieNonce& nonce,
                              const crypto::Mac& mac1) noexcept {
    CookieReply reply;
    reply.receiver_index = le32{receiver_index};
    reply.nonce = nonce;
    crypto::seal_extended(own.cookie, reply.nonce, mac1, cookie, reply.sealed_cookie);
    return reply;
}

std::optional<Cookie> read_cookie(const CookieReply& reply, const LabelledKeys& remote,
                                  const crypto::Mac& last_mac1) noexcept {
    Cookie cookie;
    if (!crypto::open_extended(remote.cookie, reply.nonce, last_mac1, reply.sealed_cookie,
                               cookie)) {
        return std::nullopt;
    }
    return cookie;
}

}  // namespace towpath::control::wireguard
