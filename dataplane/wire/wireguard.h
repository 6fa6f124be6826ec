// SPDX-License-Identifier: BSD-3-Clause
// WireGuard's four messages (wireguard.md section 2): the payload of a UDP datagram.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/wire/byte_order.h"
#include "dataplane/wire/bytes.h"

namespace towpath::wireguard {

inline constexpr std::size_t kKeyLength_bytes = 32;
inline constexpr std::size_t kTagLength_bytes = 16;
inline constexpr std::size_t kMacLength_bytes = 16;
inline constexpr std::size_t kTimestampLength_bytes = 12;
inline constexpr std::size_t kCookieNonceLength_bytes = 24;

using KeyBytes = std::array<std::byte, kKeyLength_bytes>;
using MacBytes = std::array<std::byte, kMacLength_bytes>;

enum class MessageType : std::uint32_t {
    initiation = 1,
    response = 2,
    cookie_reply = 3,
    transport_data = 4,
};

// The type's byte and the three that must be zero, as one number.
[[nodiscard]] constexpr le32 type_word(MessageType type) noexcept {
    return le32{static_cast<std::uint32_t>(type)};
}

struct Initiation {
    le32 type = type_word(MessageType::initiation);
    le32 sender_index;
    KeyBytes ephemeral_key{};
    std::array<std::byte, kKeyLength_bytes + kTagLength_bytes> sealed_static_key{};
    std::array<std::byte, kTimestampLength_bytes + kTagLength_bytes> sealed_timestamp{};
    MacBytes mac1{};
    MacBytes mac2{};
};
static_assert(sizeof(Initiation) == 148 && WireHeader<Initiation>);

struct Response {
    le32 type = type_word(MessageType::response);
    le32 sender_index;
    le32 receiver_index;
    KeyBytes ephemeral_key{};
    std::array<std::byte, kTagLength_bytes> sealed_nothing{};
    MacBytes mac1{};
    MacBytes mac2{};
};
static_assert(sizeof(Response) == 92 && WireHeader<Response>);

struct CookieReply {
    le32 type = type_word(MessageType::cookie_reply);
    le32 receiver_index;
    std::array<std::byte, kCookieNonceLength_bytes> nonce{};
    std::array<std::byte, kMacLength_bytes + kTagLength_bytes> sealed_cookie{};
};
static_assert(sizeof(CookieReply) == 64 && WireHeader<CookieReply>);

// Followed by the sealed inner packet and its tag; 32 bytes with nothing inside is a keepalive.
struct TransportHeader {
    le32 type = type_word(MessageType::transport_data);
    le32 receiver_index;
    le64 counter;
};
static_assert(sizeof(TransportHeader) == 16 && WireHeader<TransportHeader>);
inline constexpr std::size_t kTransportLength_min_bytes =
    sizeof(TransportHeader) + kTagLength_bytes;

// What a datagram is, by its first word and its length (wireguard.md 11 step 2); nothing if it is
// no WireGuard message.
[[nodiscard]] inline std::optional<MessageType> classify(
    std::span<const std::byte> payload) noexcept {
    const auto* const word = header_at<le32>(payload, 0);
    if (word == nullptr) {
        return std::nullopt;
    }
    const auto type = static_cast<MessageType>(word->host());
    const auto is_type_if = [type](bool has_length) {
        return has_length ? std::optional{type} : std::nullopt;
    };
    switch (type) {
        case MessageType::initiation:
            return is_type_if(payload.size() == sizeof(Initiation));
        case MessageType::response:
            return is_type_if(payload.size() == sizeof(Response));
        case MessageType::cookie_reply:
            return is_type_if(payload.size() == sizeof(CookieReply));
        case MessageType::transport_data:
            return is_type_if(payload.size() >= kTransportLength_min_bytes);
    }
    return std::nullopt;
}

}  // namespace towpath::wireguard
