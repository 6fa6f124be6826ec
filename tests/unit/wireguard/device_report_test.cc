// SPDX-License-Identifier: BSD-3-Clause
// What a Device knows of a peer that nobody hears from, and of one that is up by its last session
// only.
#include <gtest/gtest.h>

#include "tests/unit/wireguard/device_fixture.h"

namespace towpath::control::wireguard {
namespace {

class DeviceReport : public DeviceTest {
protected:
    [[nodiscard]] PeerReport of_alice() const { return *bob.device.report(kAlice, moment.now); }
    [[nodiscard]] PeerReport of_bob() const { return *alice.device.report(kBob, moment.now); }
    // Alice calls and never sees Bob's answer.
    void call_in_vain() {
        pass(seconds{6});
        static_cast<void>(response(initiation()));
    }
    void establish() {
        expect_completes(response(initiation()));
        bob.device.on_session_confirmed(kAlice, all<InstallSession>(bob.out).at(0)->index, moment);
    }
};

TEST_F(DeviceReport, ACallerWhoNeverConfirmsIsNamedAfterTwoAnswers) {
    call_in_vain();
    EXPECT_EQ(of_alice().status, PeerStatus::idle) << "it may still be on its way";
    pass(seconds{30});
    EXPECT_EQ(of_alice().status, PeerStatus::idle) << "one may be lost";
    call_in_vain();
    EXPECT_EQ(of_alice().status, PeerStatus::idle);
    pass(seconds{2});
    EXPECT_EQ(of_alice().status, PeerStatus::not_confirmed);
    call_in_vain();
    EXPECT_EQ(of_alice().status, PeerStatus::not_confirmed) << "the third does not blur it";
    pass(seconds{6});
    establish();
    EXPECT_EQ(of_alice().status, PeerStatus::up);
    EXPECT_EQ(of_alice().doubt, PeerStatus::idle);
}

TEST_F(DeviceReport, AnotherPresharedKeyBeginsAnew) {
    call_in_vain();
    call_in_vain();
    pass(seconds{2});
    ASSERT_EQ(of_alice().status, PeerStatus::not_confirmed);
    add(bob, kAlice, key_of(alice), kAliceAt, 7);
    EXPECT_EQ(of_alice().status, PeerStatus::idle);
}

// It says more than that our own calls are not answered.
TEST_F(DeviceReport, ACallerWhoNeverConfirmsIsNotSilent) {
    call_in_vain();
    call_in_vain();
    pass(seconds{6});
    bob.device.on_handshake_wanted(kAlice, moment, bob.out);
    for (int second = 0; second < 200; ++second) {
        pass(seconds{1});
        bob.device.wake(moment, bob.out);
    }
    ASSERT_EQ(bob.device.counters().of(HandshakeRole::initiator, HandshakeResult::gave_up), 1U);
    EXPECT_EQ(of_alice().status, PeerStatus::not_confirmed);
}

TEST_F(DeviceReport, UpWithoutAnAnswerIsDoubted) {
    establish();
    pass(seconds{20});
    alice.device.on_no_answer(kBob, moment, alice.out);
    for (int second = 0; second < 9; ++second) {
        pass(seconds{1});
        alice.device.wake(moment, alice.out);
    }
    EXPECT_EQ(of_bob().doubt, PeerStatus::idle) << "the second may still be answered";
    for (int second = 0; second < 3; ++second) {
        pass(seconds{1});
        alice.device.wake(moment, alice.out);
    }
    EXPECT_EQ(of_bob().status, PeerStatus::up);
    EXPECT_EQ(of_bob().doubt, PeerStatus::no_answer);
    EXPECT_EQ(of_bob().unanswered, seconds{12});
    // Traffic that asks for a handshake again does not make it young again.
    alice.device.on_handshake_wanted(kBob, moment, alice.out);
    EXPECT_EQ(of_bob().doubt, PeerStatus::no_answer);
    pass(seconds{6});
    expect_completes(response(initiation()));
    EXPECT_EQ(of_bob().doubt, PeerStatus::idle);
    EXPECT_EQ(of_bob().unanswered, Duration{});
}

TEST_F(DeviceReport, UpWithAClockThatWentBackIsDoubted) {
    const Initiation old = initiation();
    pass(seconds{6});
    establish();
    EXPECT_EQ(of_alice().doubt, PeerStatus::idle);
    expect_dropped_by_bob(old, HandshakeResult::stale_timestamp);
    EXPECT_EQ(of_alice().status, PeerStatus::up);
    EXPECT_EQ(of_alice().doubt, PeerStatus::stale_timestamp);
    // A good one takes it back, before it is confirmed.
    call_in_vain();
    EXPECT_EQ(of_alice().doubt, PeerStatus::idle);
}

// It did call.
// What the data plane tells of a wrong mac1 is a reason where there is no better one.
TEST_F(DeviceReport, ACallerForAnotherKeyIsNamed) {
    bob.device.on_bad_mac1(kAlice, moment);
    EXPECT_EQ(of_alice().status, PeerStatus::bad_mac1);
    bob.device.on_bad_mac1(PeerId{77}, moment);  // nobody
    establish();
    EXPECT_EQ(of_alice().status, PeerStatus::up);
    EXPECT_EQ(of_alice().doubt, PeerStatus::idle) << "it has the right key";
    bob.device.on_bad_mac1(kAlice, moment);
    EXPECT_EQ(of_alice().status, PeerStatus::up);
    EXPECT_EQ(of_alice().doubt, PeerStatus::bad_mac1);
    pass(seconds{181});
    EXPECT_EQ(of_alice().status, PeerStatus::bad_mac1);
}

TEST_F(DeviceReport, AClockThatWentBackIsSaidOfAPeerWithoutAnEndpoint) {
    const Initiation old = initiation();
    bob.device.set_peer({kAlice, key_of(alice), {}, {}, seconds{30}}, moment, bob.out);
    pass(seconds{6});
    establish();
    bob.device.on_new_data_plane(moment);
    EXPECT_EQ(of_alice().status, PeerStatus::no_endpoint);
    expect_dropped_by_bob(old, HandshakeResult::stale_timestamp);
    EXPECT_EQ(of_alice().status, PeerStatus::stale_timestamp);
    bob.device.forget_timestamp(kAlice);
    EXPECT_EQ(of_alice().status, PeerStatus::no_endpoint);
}

class DeviceNews : public DeviceReport {
protected:
    // Kinds and what they are about, in words that are short enough to compare.
    static std::string said_by(End& end) {
        std::string text;
        for (const News& news : end.device.take_news()) {
            text += text.empty() ? "" : ", ";
            text += news.kind == News::Kind::up           ? "up"
                    : news.kind == News::Kind::stranger   ? "stranger"
                    : news.kind == News::Kind::name_lost  ? "name lost"
                    : news.kind == News::Kind::name_found ? "name found"
                                                          : std::string{to_string(news.status)};
            text += news.away ? " again" : "";
        }
        return text;
    }
    void wake_for(int times, End& end) {
        for (int second = 0; second < times; ++second) {
            pass(seconds{1});
            end.device.wake(moment, end.out);
        }
    }
};

TEST_F(DeviceNews, APeerComesUpOnceAndAgainAfterItWasAway) {
    establish();
    EXPECT_EQ(said_by(bob), "up");
    EXPECT_EQ(said_by(alice), "up");
    pass(seconds{120});
    establish();
    EXPECT_EQ(said_by(bob) + said_by(alice), "") << "that was a renewal";
    pass(seconds{181});
    establish();
    EXPECT_EQ(said_by(bob), "up again");
}

TEST_F(DeviceNews, SilenceIsSaidOnceAndItsEnd) {
    establish();
    static_cast<void>(said_by(alice));
    pass(seconds{20});
    alice.device.on_no_answer(kBob, moment, alice.out);
    wake_for(9, alice);
    EXPECT_EQ(said_by(alice), "");
    wake_for(100, alice);
    EXPECT_EQ(said_by(alice), "no_answer");
    alice.device.on_handshake_wanted(kBob, moment, alice.out);
    wake_for(100, alice);
    EXPECT_EQ(said_by(alice), "") << "nothing has changed";
    alice.out.clear();
    expect_completes(response(initiation()));
    EXPECT_EQ(said_by(alice), "up again");
}

TEST_F(DeviceNews, ACallerWhoNeverConfirmsIsSaidAtItsThirdCall) {
    call_in_vain();
    call_in_vain();
    EXPECT_EQ(said_by(bob), "");
    call_in_vain();
    call_in_vain();
    EXPECT_EQ(said_by(bob), "not_confirmed");
}

TEST_F(DeviceNews, AClockThatWentBackIsSaidOnce) {
    const Initiation old = initiation();
    pass(seconds{6});
    establish();
    static_cast<void>(said_by(bob));
    expect_dropped_by_bob(old, HandshakeResult::stale_timestamp);
    expect_dropped_by_bob(old, HandshakeResult::stale_timestamp);
    EXPECT_EQ(said_by(bob), "stale_timestamp");
}

TEST_F(DeviceNews, AnotherPresharedKeyIsSaidByWhoCalls) {
    const Response good = response(initiation());
    Response forged = good;
    forged.sealed_nothing[0] ^= std::byte{1};
    authenticate_for(alice, forged);
    for (int time = 0; time < 2; ++time) {
        deliver(alice, forged, kBobAt);
    }
    EXPECT_EQ(said_by(alice), "bad_response");
}

TEST_F(DeviceNews, AStrangerIsSaidAgainAfterFiveMinutes) {
    const auto call = [this] {
        const Initiation message = initiation();
        bob.device.remove_peer(kAlice, bob.out);
        expect_dropped_by_bob(message, HandshakeResult::unknown_key);
    };
    call();
    pass(seconds{299});
    call();
    EXPECT_EQ(said_by(bob), "stranger");
    EXPECT_EQ(bob.device.strangers().at(0).count, 2U);
    pass(seconds{301});
    call();
    EXPECT_EQ(said_by(bob), "stranger");
    EXPECT_EQ(bob.device.strangers().at(0).count, 1U);
    // Whoever has the right key at last is no stranger.
    add(bob, kAlice, key_of(alice), kAliceAt);
    pass(seconds{6});
    establish();
    EXPECT_TRUE(bob.device.strangers().empty());
}

TEST_F(DeviceNews, AWrongMac1IsAStrangers) {
    Initiation message = initiation();
    message.mac1[0] ^= std::byte{1};
    expect_dropped_by_bob(message, HandshakeResult::bad_mac1);
    EXPECT_EQ(said_by(bob), "stranger");
}

TEST_F(DeviceNews, ANameThatIsLostAndFound) {
    PeerSettings settings;
    settings.id = kBob;
    settings.public_key = key_of(bob);
    settings.endpoint.name = "bob.example";
    settings.endpoint.port = 51820;
    alice.device.set_peer(std::move(settings), moment, alice.out);
    alice.device.on_resolved(kBob, {}, moment, alice.out);
    alice.device.on_resolved(kBob, {}, moment, alice.out);
    EXPECT_EQ(said_by(alice), "name lost");
    alice.device.on_resolved(kBob, kBobAt, moment, alice.out);
    EXPECT_EQ(said_by(alice), "name found");
}

TEST_F(DeviceNews, NoSlotIsSaid) {
    while (bob.indices.allocate()) {
    }
    expect_dropped_by_bob(initiation(), HandshakeResult::no_session_slot);
    EXPECT_EQ(said_by(bob), "no_session_slot");
}

}  // namespace
}  // namespace towpath::control::wireguard
