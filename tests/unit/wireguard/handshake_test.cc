// SPDX-License-Identifier: BSD-3-Clause
// The handshake byte for byte against wireguard.md 18.1, and what must not pass.
#include "control/wireguard/handshake.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "control/wireguard/cookie.h"
#include "tests/builders/hex.h"

namespace towpath::control::wireguard {
namespace {

using builders::array_from_hex;
using builders::from_hex;
using towpath::wireguard::Initiation;
using towpath::wireguard::Response;

// 32 bytes that count up from `first`.
template <class SecretBytes>
SecretBytes counting_from(unsigned first) {
    std::array<std::byte, 32> bytes{};
    for (std::byte& byte : bytes) {
        byte = static_cast<std::byte>(first++);
    }
    return SecretBytes{std::span{std::as_const(bytes)}};
}

template <class Message>
std::vector<std::byte> bytes_of(const Message& message) {
    const auto bytes = std::as_bytes(std::span{&message, 1});
    return {bytes.begin(), bytes.end()};
}

template <class SecretBytes>
std::vector<std::byte> reveal(const SecretBytes& secret) {
    return {secret.bytes().begin(), secret.bytes().end()};
}

constexpr std::uint32_t kInitiatorIndex = 0x11223344;
constexpr std::uint32_t kResponderIndex = 0x55667788;

class Handshake : public testing::Test {
protected:
    Initiated initiated() const {
        auto made = initiate(initiator, *responder_as_seen, counting_from<crypto::PrivateKey>(0x40),
                             Timestamp::from_unix(1700000000, 0), kInitiatorIndex);
        EXPECT_TRUE(made.has_value());
        authenticate(made->message, responder_as_seen->keys(), std::nullopt);
        return std::move(*made);
    }
    ReceivedInitiation received(const Initiation& message) const {
        auto read = read_initiation(responder, message);
        EXPECT_TRUE(read.has_value());
        EXPECT_EQ(read_timestamp(*read, *initiator_as_seen, message),
                  Timestamp::from_unix(1700000000, 0));
        return std::move(*read);
    }
    Responded responded(const ReceivedInitiation& read) const {
        auto made = respond(read, *initiator_as_seen, counting_from<crypto::PrivateKey>(0x60),
                            kResponderIndex);
        EXPECT_TRUE(made.has_value());
        authenticate(made->message, initiator_as_seen->keys(), std::nullopt);
        return std::move(*made);
    }

    Identity initiator{counting_from<crypto::PrivateKey>(0x00)};
    Identity responder{counting_from<crypto::PrivateKey>(0x20)};
    std::optional<Remote> responder_as_seen =
        Remote::create(initiator, responder.public_key(), counting_from<PresharedKey>(0x80));
    std::optional<Remote> initiator_as_seen =
        Remote::create(responder, initiator.public_key(), counting_from<PresharedKey>(0x80));
};

TEST_F(Handshake, KeysOfBothSides) {
    EXPECT_EQ(
        initiator.public_key(),
        array_from_hex<32>("8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f"));
    EXPECT_EQ(
        responder.public_key(),
        array_from_hex<32>("358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254"));
    EXPECT_EQ(reveal(responder_as_seen->static_static()),
              from_hex("9663aa1da97e848a914a436d04163dfbb89178f107f1b5b77ed3854203382854"));
    EXPECT_EQ(reveal(initiator_as_seen->static_static()),
              reveal(responder_as_seen->static_static()));
    EXPECT_EQ(
        responder.keys().mac1,
        array_from_hex<32>("027b1cb8c420c32c942bea8ddb43ca7d20779ec4bd55578bfa5c3d7936c91d2f"));
    EXPECT_EQ(
        responder.keys().cookie,
        array_from_hex<32>("e0153755cb4ee60ed472fa40fa20e1220446cc458fce98536ef506f2786eefc2"));
}

TEST_F(Handshake, InitiationOfTheVectors) {
    const Initiated made = initiated();
    EXPECT_EQ(bytes_of(made.message),
              from_hex("010000004433221179a631eede1bf9c98f12032cdeadd0e7a079398fc786b88c"
                       "c846ec89af85a51af0225eb421886af8f54fb31289d49dcd82b0f6f3279d40d7"
                       "cff913fece0c64ad226eef3320755b393b72f16842c8d7ee78a74e937e3f2a82"
                       "8ff4ecc11547a9c7d1ee1b22fedf3178ecbaddb3973670a77b16f58c9b448712"
                       "70be911000000000000000000000000000000000"));
    EXPECT_EQ(reveal(made.pending.transcript.chaining_key),
              from_hex("5b3722a25c7c69706cfbbef606c70681a400fd1b6dab82533b1266606d6ede42"));
    EXPECT_EQ(
        made.pending.transcript.hash,
        array_from_hex<32>("99419dec0d190b62da00339f2bf2675ea547e09e6e9971aa475f595ccf8f8f3c"));
}

TEST_F(Handshake, ResponseAndKeysOfTheVectors) {
    const Initiated made = initiated();
    const Responded answer = responded(received(made.message));
    EXPECT_EQ(bytes_of(answer.message),
              from_hex("020000008877665544332211675dd574ed7789310b3d2e7681f3790b466c773b"
                       "1521fecf36577958371ea52f5656f683cf4eca2baff0b0af3d5ad13745c01720"
                       "23747fd7c2bc2da361a285d000000000000000000000000000000000"));
    const auto keys = finish(made.pending, initiator, *responder_as_seen, answer.message);
    ASSERT_TRUE(keys.has_value());
    EXPECT_EQ(reveal(keys->send),
              from_hex("f26d13be8f8fe7fe36805b47503285e73bcb2fc6fe3ef37834e5f6128ad8cf50"));
    EXPECT_EQ(reveal(keys->receive),
              from_hex("083bdab92ffb8da7ab5063bb2d96de2b7e09008d8e07bcf96ac25c340a778665"));
    EXPECT_EQ(reveal(answer.keys.receive), reveal(keys->send));
    EXPECT_EQ(reveal(answer.keys.send), reveal(keys->receive));
}

TEST_F(Handshake, WithoutPresharedKey) {
    responder_as_seen = Remote::create(initiator, responder.public_key(), PresharedKey{});
    initiator_as_seen = Remote::create(responder, initiator.public_key(), PresharedKey{});
    const Initiated made = initiated();
    const Responded answer = responded(received(made.message));
    const auto keys = finish(made.pending, initiator, *responder_as_seen, answer.message);
    ASSERT_TRUE(keys.has_value());
    EXPECT_EQ(reveal(keys->send),
              from_hex("8c467a49ee5feffc8b390fba6ff460b5d66abf66f5e4bf9e0a5612b256498238"));
}

TEST_F(Handshake, ForgedInitiationsAreRefused) {
    const Initiation good = initiated().message;
    Initiation forged = good;
    forged.sealed_static_key[3] ^= std::byte{1};
    EXPECT_FALSE(read_initiation(responder, forged).has_value());
    EXPECT_FALSE(read_initiation(initiator, good).has_value()) << "made for somebody else";
    forged = good;
    forged.ephemeral_key = {};
    EXPECT_FALSE(read_initiation(responder, forged).has_value()) << "of low order";

    // The static key of a peer, but not sealed by its owner: the time stamp proves it.
    forged = good;
    forged.sealed_timestamp[0] ^= std::byte{1};
    auto read = read_initiation(responder, forged);
    ASSERT_TRUE(read.has_value());
    EXPECT_FALSE(read_timestamp(*read, *initiator_as_seen, forged).has_value());
    EXPECT_TRUE(read_timestamp(*read, *initiator_as_seen, good).has_value())
        << "a forged one changes nothing";
}

// wireguard.md 4.4: a response that does not open leaves the initiation pending.
TEST_F(Handshake, AForgedResponseDoesNotCancel) {
    const Initiated made = initiated();
    const Responded answer = responded(received(made.message));
    Response forged = answer.message;
    forged.sealed_nothing[0] ^= std::byte{1};
    EXPECT_FALSE(finish(made.pending, initiator, *responder_as_seen, forged).has_value());
    forged = answer.message;
    forged.ephemeral_key = {};
    EXPECT_FALSE(finish(made.pending, initiator, *responder_as_seen, forged).has_value());
    EXPECT_TRUE(finish(made.pending, initiator, *responder_as_seen, answer.message).has_value());
}

TEST_F(Handshake, DifferentPresharedKeysDoNotMeet) {
    initiator_as_seen =
        Remote::create(responder, initiator.public_key(), counting_from<PresharedKey>(0x81));
    const Initiated made = initiated();
    const Responded answer = responded(received(made.message));
    EXPECT_FALSE(finish(made.pending, initiator, *responder_as_seen, answer.message).has_value());
}

TEST_F(Handshake, APeerOfLowOrderIsNone) {
    EXPECT_FALSE(Remote::create(initiator, crypto::PublicKey{}, PresharedKey{}).has_value());
}

TEST_F(Handshake, CookiesOfTheVectors) {
    Initiation message = initiated().message;
    EXPECT_TRUE(has_right_mac1(message, responder.keys()));
    EXPECT_FALSE(has_right_mac1(message, initiator.keys()));
    const auto cookie = array_from_hex<16>("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf");
    const auto nonce = array_from_hex<24>("b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7");
    const auto reply = reply_with_cookie(cookie, responder.keys(), message.sender_index.host(),
                                         nonce, message.mac1);
    EXPECT_EQ(bytes_of(reply),
              from_hex("0300000044332211b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7"
                       "5da0168eb9442698082871fbe008444e17d201e5caa011ba77c7f198c53e8dff"));
    EXPECT_EQ(read_cookie(reply, responder_as_seen->keys(), message.mac1), cookie);
    EXPECT_FALSE(read_cookie(reply, responder_as_seen->keys(), message.mac2).has_value());
    EXPECT_FALSE(has_right_mac2(message, cookie));
    authenticate(message, responder_as_seen->keys(), cookie);
    EXPECT_EQ(message.mac2, array_from_hex<16>("3916e3a37871639b302b1823aa201449"));
    EXPECT_TRUE(has_right_mac2(message, cookie));
}

TEST_F(Handshake, CookieOfASource) {
    const CookieSecret secret;
    const be16 port{std::uint16_t{51820}};
    EXPECT_EQ(cookie_for(secret, from_hex("c0000201"), port),
              array_from_hex<16>("78b976059c9bf9c7d729640fd6200621"));
    EXPECT_EQ(cookie_for(secret, from_hex("20010db8000000000000000000000001"), port),
              array_from_hex<16>("782a9530ebfe69f98a9b1f8234af0b6f"));
}

}  // namespace
}  // namespace towpath::control::wireguard
