// SPDX-License-Identifier: BSD-3-Clause
// A Device, message by message: rows 3 to 24 of wireguard.md section 17. (Whether a message reaches
// it at all, row 7, is the data plane's.)
#include <gtest/gtest.h>

#include "dataplane/crypto/box.h"
#include "tests/unit/wireguard/device_fixture.h"

namespace towpath::control::wireguard {
namespace {

TEST_F(DeviceTest, AHandshakeGivesBothTheSameKeys) {
    const Initiation first = initiation();
    EXPECT_EQ(all<SendHandshake>(alice.out)[0]->peer, kBob);
    EXPECT_EQ(all<SendHandshake>(alice.out)[0]->traffic_class, 0x88);
    const Response second = response(first);
    deliver(alice, second, kBobAt);
    const InstallSession& responder = *all<InstallSession>(bob.out).at(0);
    const InstallSession& initiator = *all<InstallSession>(alice.out).at(0);
    EXPECT_TRUE(crypto::is_equal(initiator.keys.send.bytes(), responder.keys.receive.bytes()));
    EXPECT_TRUE(crypto::is_equal(initiator.keys.receive.bytes(), responder.keys.send.bytes()));
    EXPECT_EQ(initiator.remote_index, responder.index);
    EXPECT_EQ(responder.remote_index, initiator.index);
    EXPECT_EQ(initiator.role, HandshakeRole::initiator);
    EXPECT_EQ(initiator.packet.length_bytes, 0);
    EXPECT_EQ(responder.remote, kAliceAt);
    EXPECT_EQ(responder.local, kBobAt.address);
    EXPECT_EQ(responder.worker, 5U);
    EXPECT_EQ(responder.received_at, moment.now);
    EXPECT_EQ(responder.greatest_timestamp, Timestamp::from_unix(1'800'001'000, 0));
    EXPECT_EQ(alice.device.report(kBob, moment.now)->status, PeerStatus::up);
    EXPECT_EQ(alice.device.report(kBob, moment.now)->completed_at, moment.unix_time);
    EXPECT_NE(bob.device.report(kAlice, moment.now)->status, PeerStatus::up) << "not confirmed";
    bob.device.on_session_confirmed(kAlice, responder.index + 1, moment);
    EXPECT_NE(bob.device.report(kAlice, moment.now)->status, PeerStatus::up);
    bob.device.on_session_confirmed(kAlice, responder.index, moment);
    EXPECT_EQ(bob.device.report(kAlice, moment.now)->status, PeerStatus::up);
}

// Rows 3 to 5.
TEST_F(DeviceTest, Rows3To5_WhatIsNoHandshakeMessage) {
    const Initiation message = initiation();
    std::vector<std::byte> bytes(sizeof message + 1);
    std::memcpy(bytes.data(), &message, sizeof message);
    const auto malformed = [&](std::size_t length, std::byte type, std::byte reserved) {
        bytes[0] = type;
        bytes[3] = reserved;
        const std::uint64_t before =
            bob.device.counters().of(HandshakeRole::responder, HandshakeResult::malformed);
        bob.device.on_handshake({std::span{bytes}.first(length), kAliceAt, kBobAt, 0, moment.now},
                                1, moment, bob.out);
        return bob.device.counters().of(HandshakeRole::responder, HandshakeResult::malformed) ==
               before + 1;
    };
    for (const std::size_t length : {0U, 1U, 3U, 31U, 32U, 64U, 92U, 147U, 149U}) {
        EXPECT_TRUE(malformed(length, std::byte{1}, std::byte{0})) << length;
    }
    for (const std::byte type : {std::byte{0}, std::byte{4}, std::byte{5}, std::byte{255}}) {
        EXPECT_TRUE(malformed(148, type, std::byte{0}));
    }
    EXPECT_TRUE(malformed(148, std::byte{1}, std::byte{1}));
    EXPECT_TRUE(bob.out.empty());
    EXPECT_FALSE(malformed(148, std::byte{1}, std::byte{0}));
}

TEST_F(DeviceTest, Row6_NoIdentity) {
    const Initiation message = initiation();
    bob.device.set_identity(std::nullopt, moment, bob.out);
    expect_dropped_by_bob(message, HandshakeResult::no_identity);
    EXPECT_EQ(bob.device.report(kAlice, moment.now)->status, PeerStatus::no_identity);
    bob.out.clear();
    bob.device.on_handshake_wanted(kAlice, moment, bob.out);
    EXPECT_TRUE(bob.out.empty());
    bob.device.set_identity(bob.random.secret<32>(), moment, bob.out);
    EXPECT_EQ(all<SendHandshake>(bob.out).size(), 1U) << "what waited for an identity";
}

TEST_F(DeviceTest, Row6_ADownTunnelAnswersNothing) {
    const Initiation message = initiation();
    static_cast<void>(response(message));
    bob.out.clear();
    bob.device.set_up(false, moment, bob.out);
    EXPECT_EQ(all<EndSessions>(bob.out).size(), 1U);
    EXPECT_EQ(all<DropStaged>(bob.out).size(), 1U);
    pass(seconds{6});
    const Initiation later = initiation();
    expect_dropped_by_bob(later, HandshakeResult::no_identity);
    bob.device.set_up(true, moment, bob.out);
    expect_dropped_by_bob(message, HandshakeResult::stale_timestamp);
    static_cast<void>(response(later));
}

TEST_F(DeviceTest, Row8_BadMac1) {
    Initiation message = initiation();
    message.mac1[15] ^= std::byte{1};
    expect_dropped_by_bob(message, HandshakeResult::bad_mac1);
    ASSERT_EQ(bob.device.strangers().size(), 1U);
    EXPECT_EQ(bob.device.strangers()[0].reason, HandshakeResult::bad_mac1);
    EXPECT_EQ(bob.device.strangers()[0].source, kAliceAt);
}

TEST_F(DeviceTest, Row9_UnderLoadACookieIsAskedFor) {
    bob.waiting = 512;
    Initiation message = initiation();
    for (int round = 0; round < 2; ++round) {
        bob.out.clear();
        deliver(bob, message, kAliceAt);
        ASSERT_EQ(bob.out.size(), 1U);
        const SendTo& reply = *all<SendTo>(bob.out).at(0);
        EXPECT_EQ(reply.to, kAliceAt);
        EXPECT_EQ(reply.from, kBobAt);
        EXPECT_EQ(reply.traffic_class, 0);
        message.mac2[0] = std::byte{1};  // wrong instead of missing
    }
    EXPECT_EQ(bob.device.counters().of(HandshakeRole::responder, HandshakeResult::cookie_sent), 2U);
    EXPECT_EQ(bob.indices.in_use(), 0U);
    // 1 s after the queue was last long nobody is asked.
    bob.waiting = 1;
    pass(seconds{1});
    static_cast<void>(response(message));
}

TEST_F(DeviceTest, Row9_TheNextTryCarriesTheCookieOfThatAddressAndPort) {
    bob.waiting = 512;
    Initiation message = initiation();
    deliver(bob, message, kAliceAt);
    const auto reply = as<CookieReply>(all<SendTo>(bob.out).at(0)->packet);
    deliver(alice, reply, kBobAt);
    EXPECT_EQ(alice.device.report(kBob, moment.now)->status, PeerStatus::remote_loaded);
    pass(seconds{6});
    message = initiation();
    IpEndpoint elsewhere = kAliceAt;
    elsewhere.port = Port{std::uint16_t{1}};
    bob.out.clear();
    deliver(bob, message, elsewhere);
    EXPECT_EQ(all<SendTo>(bob.out).size(), 1U);
    static_cast<void>(response(message));
    // Too old to be used again after 115 s.
    pass(seconds{115});
    EXPECT_EQ(initiation().mac2, (towpath::wireguard::MacBytes{}));
}

TEST_F(DeviceTest, Row10_TheSourceLimiterDenies) {
    bob.waiting = 512;
    Initiation message = initiation();
    deliver(bob, message, kAliceAt);
    deliver(alice, as<CookieReply>(all<SendTo>(bob.out).at(0)->packet), kBobAt);
    pass(seconds{6});
    message = initiation();
    for (int i = 0; i < 5; ++i) {
        deliver(bob, message, kAliceAt);
    }
    expect_dropped_by_bob(message, HandshakeResult::source_limited);
}

TEST_F(DeviceTest, Row11_AWrongMac2IsIgnoredWithoutLoad) {
    Initiation message = initiation();
    message.mac2.fill(std::byte{7});
    expect_completes(response(message));
}

TEST_F(DeviceTest, Row12_ALowOrderEphemeralKey) {
    Initiation message = initiation();
    message.ephemeral_key = {};
    authenticate_for(bob, message);
    expect_dropped_by_bob(message, HandshakeResult::not_for_us);
}

TEST_F(DeviceTest, Row13_WhatDoesNotOpen) {
    const Initiation good = initiation();
    Initiation message = good;
    message.sealed_static_key[0] ^= std::byte{1};
    authenticate_for(bob, message);
    expect_dropped_by_bob(message, HandshakeResult::not_for_us);
    message = good;
    message.sealed_timestamp[0] ^= std::byte{1};
    authenticate_for(bob, message);
    expect_dropped_by_bob(message, HandshakeResult::not_for_us);
    expect_completes(response(good));
}

TEST_F(DeviceTest, Row14_AnUnknownKeyIsListedOnce) {
    const Initiation message = initiation();
    bob.device.remove_peer(kAlice, bob.out);
    expect_dropped_by_bob(message, HandshakeResult::unknown_key);
    expect_dropped_by_bob(message, HandshakeResult::unknown_key);
    ASSERT_EQ(bob.device.strangers().size(), 1U);
    EXPECT_EQ(bob.device.strangers()[0].public_key, key_of(alice));
    EXPECT_EQ(bob.device.strangers()[0].count, 2U);
    for (std::size_t i = 0; i < 2 * Device::kStrangersMax; ++i) {
        const Identity other{bob.random.secret<32>()};
        const auto remote = Remote::create(other, key_of(bob), PresharedKey{});
        auto made = initiate(other, *remote, bob.random.secret<32>(), Timestamp{}, 1);
        authenticate_for(bob, made->message);
        expect_dropped_by_bob(made->message, HandshakeResult::unknown_key);
    }
    EXPECT_EQ(bob.device.strangers().size(), Device::kStrangersMax);
}

TEST_F(DeviceTest, Row15_OurOwnInitiationComesBack) {
    // What Bob would send to himself.
    SeededRandom same{2};
    SourceLimiter consumed{same};
    const Identity self{same.secret<32>()};
    ASSERT_EQ(self.public_key(), key_of(bob));
    const auto remote = Remote::create(self, self.public_key(), PresharedKey{});
    auto made = initiate(self, *remote, same.secret<32>(), Timestamp::from_unix(9, 0), 1);
    authenticate_for(bob, made->message);
    expect_dropped_by_bob(made->message, HandshakeResult::unknown_key);
    EXPECT_FALSE(add(bob, 7, key_of(bob), kAliceAt));
    expect_dropped_by_bob(made->message, HandshakeResult::unknown_key);
}

// An initiation in the name of a key of low order: its shared secrets are zeros, which anybody
// knows (wireguard.md 4.1).
Initiation forged_low_order(const crypto::PublicKey& responder, Random& random) {
    const auto text = [](std::string_view word) { return std::as_bytes(std::span{word}); };
    auto ephemeral = random.secret<32>();
    crypto::clamp(ephemeral);
    Initiation message;
    message.ephemeral_key = crypto::public_key_of(ephemeral);
    const crypto::Hash name = crypto::hash({text("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")});
    crypto::Hash hash = crypto::hash({name, text("WireGuard v1 zx2c4 Jason@zx2c4.com")});
    hash = crypto::hash({hash, responder});
    auto [chain] = crypto::derive_1(name, message.ephemeral_key);
    hash = crypto::hash({hash, message.ephemeral_key});
    auto [second, key] =
        crypto::derive_2(chain.bytes(), crypto::shared_secret(ephemeral, responder)->bytes());
    crypto::seal(key, hash, crypto::PublicKey{}, message.sealed_static_key);
    hash = crypto::hash({hash, message.sealed_static_key});
    auto [third, last] = crypto::derive_2(second.bytes(), crypto::PublicKey{});
    crypto::seal(last, hash, Timestamp::from_unix(2'000'000'000, 0).bytes(),
                 message.sealed_timestamp);
    return message;
}

TEST_F(DeviceTest, Row16_ALowOrderKeyNeitherInitiatesNorIsAccepted) {
    ASSERT_TRUE(add(bob, 9, crypto::PublicKey{}, kAliceAt));
    bob.out.clear();
    bob.device.on_handshake_wanted(9, moment, bob.out);
    EXPECT_TRUE(bob.out.empty());
    EXPECT_EQ(bob.device.report(9, moment.now)->status, PeerStatus::unusable_key);
    Initiation message = forged_low_order(key_of(bob), bob.random);
    authenticate_for(bob, message);
    expect_dropped_by_bob(message, HandshakeResult::unusable_key);
}

TEST_F(DeviceTest, Row17_AnOldTimestampChangesNothing) {
    const Initiation first = initiation();
    static_cast<void>(response(first));
    const Timestamp greatest = bob.device.report(kAlice, moment.now)->greatest_received;
    pass(seconds{1});
    expect_dropped_by_bob(first, HandshakeResult::stale_timestamp);
    EXPECT_EQ(bob.device.report(kAlice, moment.now)->greatest_received, greatest);
    EXPECT_EQ(bob.device.report(kAlice, moment.now)->status, PeerStatus::stale_timestamp);
    bob.device.forget_timestamp(kAlice);
    static_cast<void>(response(first));
}

TEST_F(DeviceTest, Row17_TheTimestampSurvivesKeysAndDown) {
    const Initiation first = initiation();
    static_cast<void>(response(first));
    pass(seconds{541});
    bob.device.wake(moment, bob.out);
    EXPECT_EQ(all<EndSessions>(bob.out).size(), 1U);
    bob.device.set_up(false, moment, bob.out);
    bob.device.set_up(true, moment, bob.out);
    expect_dropped_by_bob(first, HandshakeResult::stale_timestamp);
}

TEST_F(DeviceTest, Row18_TwoGoodInitiationsWithin20ms) {
    alice.device.on_handshake_wanted(kBob, moment, alice.out);
    static_cast<void>(response(as<Initiation>(all<SendHandshake>(alice.out).at(0)->packet)));
    // A second one, as an Alice without the 5 s limit would send.
    pass(milliseconds{19});
    alice.device.set_up(false, moment, alice.out);
    alice.device.set_up(true, moment, alice.out);
    const Initiation second = initiation();
    expect_dropped_by_bob(second, HandshakeResult::too_soon);
    pass(milliseconds{1});
    static_cast<void>(response(second));
}

TEST_F(DeviceTest, Row19_AResponseToNothing) {
    Response message = response(initiation());
    const Response good = message;
    message.receiver_index = le32{message.receiver_index.host() ^ 1U};
    authenticate_for(alice, message);
    expect_dropped_by_alice(message, HandshakeResult::unknown_index);
    expect_completes(good);
}

TEST_F(DeviceTest, Row20_AResponseTwiceOrTooLate) {
    const Response message = response(initiation());
    expect_completes(message);
    expect_dropped_by_alice(message, HandshakeResult::unknown_index);
    pass(seconds{6});
    const Response late = response(initiation());
    pass(seconds{6});
    static_cast<void>(initiation());
    expect_dropped_by_alice(late, HandshakeResult::unknown_index);
}

TEST_F(DeviceTest, Row21_AForgedResponseLeavesTheHandshakeAlive) {
    const Response good = response(initiation());
    Response message = good;
    message.sealed_nothing[0] ^= std::byte{1};
    authenticate_for(alice, message);
    expect_dropped_by_alice(message, HandshakeResult::bad_response);
    EXPECT_EQ(alice.device.report(kBob, moment.now)->status, PeerStatus::bad_response);
    expect_completes(good);
}

TEST_F(DeviceTest, Row22_ALowOrderEphemeralKeyInAResponse) {
    const Response good = response(initiation());
    Response message = good;
    message.ephemeral_key = {};
    authenticate_for(alice, message);
    expect_dropped_by_alice(message, HandshakeResult::bad_response);
    expect_completes(good);
}

TEST_F(DeviceTest, Rows23And24_CookieReplies) {
    bob.waiting = 512;
    deliver(bob, initiation(), kAliceAt);
    const auto good = as<CookieReply>(all<SendTo>(bob.out).at(0)->packet);
    CookieReply reply = good;
    reply.receiver_index = le32{reply.receiver_index.host() ^ 1U};
    expect_dropped(alice, reply, HandshakeRole::initiator, HandshakeResult::unknown_index);
    reply = good;
    reply.sealed_cookie[0] ^= std::byte{1};
    expect_dropped(alice, reply, HandshakeRole::initiator, HandshakeResult::bad_cookie);
    expect_dropped(alice, good, HandshakeRole::initiator, HandshakeResult::cookie_received);
    expect_dropped(alice, good, HandshakeRole::initiator, HandshakeResult::bad_cookie);
    pass(seconds{6});
    EXPECT_NE(initiation().mac2, (towpath::wireguard::MacBytes{})) << "the cookie was kept";
}

TEST_F(DeviceTest, ACookieReplyToAResponseIsRead) {
    alice.waiting = 512;
    deliver(alice, response(initiation()), kBobAt);
    const auto reply = as<CookieReply>(all<SendTo>(alice.out).at(0)->packet);
    expect_dropped(bob, reply, HandshakeRole::initiator, HandshakeResult::cookie_received);
}

}  // namespace
}  // namespace towpath::control::wireguard
