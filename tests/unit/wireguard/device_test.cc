// SPDX-License-Identifier: BSD-3-Clause
// A Device's timers, indices and configuration (wireguard.md sections 15 and 16), and what it takes
// over from a data plane (decisions.md W1, W20).
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/wireguard/device_fixture.h"

namespace towpath::control::wireguard {
namespace {

TEST_F(DeviceTest, OwnInitiationsAreFiveSecondsApart) {
    static_cast<void>(initiation());
    pass(seconds{4});
    alice.out.clear();
    alice.device.on_handshake_wanted(kBob, moment, alice.out);
    alice.device.rekey(kBob, moment, alice.out);
    alice.device.on_no_answer(kBob, moment, alice.out);
    EXPECT_TRUE(alice.out.empty());
    pass(milliseconds{1400});
    alice.device.wake(moment, alice.out);
    EXPECT_EQ(all<SendHandshake>(alice.out).size(), 1U) << "for the remainder";
}

// wireguard.md 4.6: the response counts, and what was asked for meanwhile is not lost.
TEST_F(DeviceTest, AResponseDelaysOurOwnInitiation) {
    static_cast<void>(response(initiation()));
    bob.out.clear();
    bob.device.on_handshake_wanted(kAlice, moment, bob.out);
    EXPECT_TRUE(bob.out.empty());
    const auto due = bob.device.next_wake();
    ASSERT_TRUE(due);
    EXPECT_GE(*due, moment.now + seconds{5});
    EXPECT_LE(*due, moment.now + milliseconds{5333});
    pass(*due - moment.now);
    bob.device.wake(moment, bob.out);
    EXPECT_EQ(all<SendHandshake>(bob.out).size(), 1U);
}

TEST_F(DeviceTest, RetriesForgetTheLocalAddress) {
    static_cast<void>(initiation());
    EXPECT_FALSE(all<SendHandshake>(alice.out)[0]->forgets_local_address);
    pass(seconds{6});
    alice.out.clear();
    alice.device.wake(moment, alice.out);
    EXPECT_TRUE(all<SendHandshake>(alice.out).at(0)->forgets_local_address);
}

TEST_F(DeviceTest, WithoutAFreeSlotNothingOfAnybodysIsEnded) {
    while (bob.indices.allocate()) {
    }
    const Initiation message = initiation();
    expect_dropped_by_bob(message, HandshakeResult::no_session_slot);
    EXPECT_EQ(bob.device.report(kAlice, moment.now)->status, PeerStatus::no_session_slot);
    bob.out.clear();
    bob.device.on_handshake_wanted(kAlice, moment, bob.out);
    EXPECT_TRUE(bob.out.empty());
    EXPECT_TRUE(bob.device.next_wake()) << "tried again later";
}

TEST_F(DeviceTest, ARefusedSessionIsForgottenAndTriedAgain) {
    expect_completes(response(initiation()));
    const std::uint32_t index = all<InstallSession>(alice.out)[0]->index;
    alice.device.on_session_refused(index, moment);
    EXPECT_EQ(alice.indices.in_use(), 0U);
    EXPECT_EQ(alice.device.report(kBob, moment.now)->status, PeerStatus::no_session_slot);
    pass(seconds{6});
    alice.out.clear();
    alice.device.wake(moment, alice.out);
    EXPECT_EQ(all<SendHandshake>(alice.out).size(), 1U);
}

TEST_F(DeviceTest, IndicesComeBackWhenTheDataPlaneSaysSo) {
    expect_completes(response(initiation()));
    const std::uint32_t index = all<InstallSession>(alice.out)[0]->index;
    EXPECT_EQ(alice.indices.in_use(), 1U);
    alice.device.remove_peer(kBob, alice.out);
    EXPECT_EQ(alice.indices.in_use(), 1U) << "the data plane still has it";
    alice.device.on_index_free(index);
    EXPECT_EQ(alice.indices.in_use(), 0U);
}

TEST_F(DeviceTest, AnIndexOfAnInitiationIsNotTheDataPlanesToFree) {
    const Response message = response(initiation());
    alice.device.on_index_free(message.receiver_index.host());
    EXPECT_EQ(alice.indices.in_use(), 1U);
    expect_completes(message);
}

// Section 16.
TEST_F(DeviceTest, ANewIdentityStopsSendingAndMeetsEveryPeerAnew) {
    expect_completes(response(initiation()));
    alice.out.clear();
    SeededRandom same{77};
    alice.device.set_identity(same.secret<32>(), moment, alice.out);
    ASSERT_EQ(all<EndSessions>(alice.out).size(), 1U);
    EXPECT_EQ(all<EndSessions>(alice.out)[0]->how, EndSessions::How::stop_sending);
    static_cast<void>(initiation());  // within 5 s of the last
    alice.out.clear();
    SeededRandom again{77};
    alice.device.set_identity(again.secret<32>(), moment, alice.out);
    EXPECT_TRUE(alice.out.empty()) << "the same key";
    SeededRandom bobs{2};
    SourceLimiter consumed{bobs};
    alice.device.set_identity(bobs.secret<32>(), moment, alice.out);
    EXPECT_EQ(alice.device.peer_count(), 0U) << "a peer with our own key";
}

TEST_F(DeviceTest, PeersHaveKeysOfTheirOwn) {
    EXPECT_FALSE(add(alice, 8, key_of(bob), kBobAt)) << "another peer's key";
    EXPECT_TRUE(add(alice, kBob, key_of(bob), kBobAt)) << "the same again";
    const Identity other{alice.random.secret<32>()};
    EXPECT_TRUE(add(alice, kBob, other.public_key(), kBobAt));
    EXPECT_EQ(alice.device.find_peer(other.public_key()), kBob);
    EXPECT_FALSE(alice.device.find_peer(key_of(bob)));
}

TEST_F(DeviceTest, EndpointsAreAppliedOncePerValue) {
    alice.out.clear();
    add(alice, kBob, key_of(bob), kBobAt);
    EXPECT_TRUE(all<SetEndpoint>(alice.out).empty()) << "unchanged";
    add(alice, kBob, key_of(bob), kAliceAt);
    ASSERT_EQ(all<SetEndpoint>(alice.out).size(), 1U);
    EXPECT_EQ(all<SetEndpoint>(alice.out)[0]->endpoint, kAliceAt);
    EXPECT_EQ(all<SetEndpoint>(alice.out)[0]->generation, endpoint_generation(kAliceAt));
    EXPECT_NE(endpoint_generation(kAliceAt), endpoint_generation(kBobAt));
    EXPECT_EQ(endpoint_generation({}), 0U);
}

TEST_F(DeviceTest, NamesAreResolvedAndAgainWhileNobodyAnswers) {
    PeerSettings settings;
    settings.id = 5;
    settings.public_key = Identity{alice.random.secret<32>()}.public_key();
    settings.endpoint = {{}, "vpn.example.org", 51820};
    settings.re_resolve = seconds{30};
    alice.out.clear();
    ASSERT_TRUE(alice.device.set_peer(std::move(settings), moment, alice.out));
    ASSERT_EQ(all<Resolve>(alice.out).size(), 1U);
    EXPECT_EQ(all<Resolve>(alice.out)[0]->name, "vpn.example.org");
    alice.out.clear();
    alice.device.on_handshake_wanted(5, moment, alice.out);
    EXPECT_TRUE(alice.out.empty());
    EXPECT_EQ(alice.device.report(5, moment.now)->status, PeerStatus::name_not_resolved);
    alice.device.on_resolved(5, {}, moment, alice.out);
    EXPECT_TRUE(alice.out.empty());
    alice.device.on_resolved(5, kBobAt, moment, alice.out);
    EXPECT_EQ(all<SetEndpoint>(alice.out).size(), 1U);
    EXPECT_EQ(all<SendHandshake>(alice.out).size(), 1U) << "what waited for the address";
    alice.out.clear();
    for (int i = 0; i < 12; ++i) {
        pass(seconds{6});
        alice.device.wake(moment, alice.out);
    }
    EXPECT_EQ(all<SendHandshake>(alice.out).size(), 12U);
    EXPECT_EQ(all<Resolve>(alice.out).size(), 2U) << "every 30 s of 72";
    alice.out.clear();
    alice.device.on_resolved(5, kBobAt, moment, alice.out);
    EXPECT_TRUE(alice.out.empty()) << "the same address";
}

TEST_F(DeviceTest, ANameThatNeverResolvesIsAskedForAtABoundedRate) {
    PeerSettings settings;
    settings.id = 5;
    settings.public_key = Identity{alice.random.secret<32>()}.public_key();
    settings.endpoint = {{}, "vpn.example.org", 51820};
    settings.re_resolve = Duration{0};
    ASSERT_TRUE(alice.device.set_peer(std::move(settings), moment, alice.out));
    alice.device.on_handshake_wanted(5, moment, alice.out);
    alice.out.clear();
    for (int i = 0; i < 60; ++i) {
        pass(seconds{1});
        alice.device.wake(moment, alice.out);
    }
    EXPECT_EQ(all<Resolve>(alice.out).size(), 12U);
}

// W1, W20: what a control process finds.
TEST_F(DeviceTest, TakesOverSessionsAndTimestamps) {
    const Initiation message = initiation();
    const crypto::IndexPermutation permutation{11};
    const std::uint32_t index = permutation.index_of({3, 9});
    EXPECT_TRUE(bob.device.adopt_session({kAlice, index, moment.now - seconds{10}}));
    EXPECT_FALSE(bob.device.adopt_session({99, permutation.index_of({4, 9}), moment.now}));
    bob.device.adopt_peer(kAlice, Timestamp::from_unix(1'800'001'000, 0), true);
    EXPECT_EQ(bob.device.report(kAlice, moment.now)->status, PeerStatus::up);
    expect_dropped_by_bob(message, HandshakeResult::stale_timestamp);
    EXPECT_EQ(bob.device.next_wake(), moment.now + seconds{530});
    bob.device.on_index_free(index);
    EXPECT_EQ(bob.indices.in_use(), 0U);
}

TEST_F(DeviceTest, ANewDataPlaneIsFilledAtOnce) {
    expect_completes(response(initiation()));
    alice.indices = IndexAllocator{12, 16};
    alice.out.clear();
    alice.device.on_new_data_plane(moment);
    EXPECT_NE(alice.device.report(kBob, moment.now)->status, PeerStatus::up);
    alice.device.wake(moment, alice.out);
    EXPECT_EQ(all<SendHandshake>(alice.out).size(), 1U);
    EXPECT_EQ(alice.indices.in_use(), 1U);
}

TEST(HandshakeWords, AreAllDifferent) {
    std::set<std::string_view> words;
    for (std::size_t i = 0; i < static_cast<std::size_t>(HandshakeResult::count); ++i) {
        EXPECT_TRUE(words.insert(to_string(static_cast<HandshakeResult>(i))).second);
    }
    words.clear();
    for (std::size_t i = 0; i < static_cast<std::size_t>(PeerStatus::count); ++i) {
        EXPECT_TRUE(words.insert(to_string(static_cast<PeerStatus>(i))).second);
    }
    EXPECT_NE(to_string(HandshakeRole::initiator), to_string(HandshakeRole::responder));
}

}  // namespace
}  // namespace towpath::control::wireguard
