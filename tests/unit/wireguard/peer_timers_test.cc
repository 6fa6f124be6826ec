// SPDX-License-Identifier: BSD-3-Clause
// Keepalives, renewal and roaming: what time and packets do to a peer (wireguard.md sections 14 and
// 15; decisions.md W5, W11).
#include "dataplane/wireguard/peer_timers.h"

#include <set>

#include "tests/unit/wireguard/tunnel_fixture.h"

namespace towpath::wireguard {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kinds = std::vector<TunnelEventKind>;

class PeerTimersTest : public TunnelTest {
protected:
    // Slices every 50 ms until `until`; how many datagrams went out.
    std::size_t pass(Box& box, Now until) {
        std::size_t sent = 0;
        for (; now < until; now += milliseconds{50}) {
            box.batch.clear();
            box.batch.clear_spares();
            spares_.clear();
            for (std::size_t added = 0; added < kSparesMax; ++added) {
                box.batch.add_spare(spares_.emplace_back(std::size_t{0}).packet);
            }
            slice(*box.states[0], box.batch, now);
            sent += box.batch.lane(Lane::underlay).size();
        }
        return sent;
    }
    std::size_t pass(Box& box, Duration time) { return pass(box, now + time); }

    void send_to_far() {
        Frame frame = sealed(inner("10.99.1.5", "10.99.2.5"));
        ASSERT_EQ(far.open(frame, now).lane, Lane::parse);
    }
    void send_to_near() {
        Frame frame = inner("10.99.2.5", "10.99.1.5");
        ASSERT_EQ(far.seal(frame, now).lane, Lane::underlay);
        travel(frame, "198.51.100.1:51820");
        ASSERT_EQ(near.open(frame, now).lane, Lane::parse);
    }

    std::deque<Frame> spares_;
};

TEST_F(PeerTimersTest, AnswersDataWithAKeepaliveAfterTenSeconds) {
    connect();  // one packet to far
    EXPECT_EQ(pass(far, seconds{10}), 0U);
    EXPECT_EQ(pass(far, milliseconds{300}), 1U);
    EXPECT_EQ(pass(far, seconds{60}), 0U);  // once
}

TEST_F(PeerTimersTest, SendingSparesTheKeepalive) {
    connect();
    pass(far, seconds{9});
    send_to_near();
    EXPECT_EQ(pass(far, seconds{30}), 0U);
}

// wireguard.md 15.1: what came after the first while it was armed gives another.
TEST_F(PeerTimersTest, MoreDataGivesAnotherKeepalive) {
    connect();
    now += seconds{1};
    send_to_far();
    EXPECT_EQ(pass(far, seconds{9} + milliseconds{300}), 1U);
    EXPECT_EQ(pass(far, seconds{10} + milliseconds{300}), 1U);
    EXPECT_EQ(pass(far, seconds{60}), 0U);
}

// 15.4: a keepalive arms nothing, so two sides do not answer each other for ever.
TEST_F(PeerTimersTest, KeepaliveIsNotAnswered) {
    connect();
    pass(far, seconds{10} + milliseconds{300});
    ASSERT_EQ(far.states[0]->counters.keepalives_sent.value(), 1U);
    EXPECT_FALSE(far.peer().unanswered_since.is_set());
    pass(near, seconds{60});
    EXPECT_EQ(near.states[0]->counters.keepalives_sent.value(), 0U);
}

TEST_F(PeerTimersTest, SilenceAfterDataIsReportedOnce) {
    connect();
    static_cast<void>(near.events());
    pass(near, kNoAnswerTimeout - milliseconds{50});
    EXPECT_TRUE(near.events().empty());
    pass(near, kJitterMax + milliseconds{350});
    EXPECT_EQ(near.event_kinds(), Kinds{TunnelEventKind::no_answer});
    pass(near, seconds{60});
    EXPECT_TRUE(near.events().empty());
}

TEST_F(PeerTimersTest, AnythingReceivedIsAnAnswer) {
    connect();
    pass(near, seconds{14});
    send_to_near();
    pass(near, seconds{60});
    EXPECT_TRUE(near.events().empty());
}

TEST_F(PeerTimersTest, PersistentKeepaliveFollowsTheLastPacketOfEitherDirection) {
    near.tables->configure_peer(kPeer, {kTunnel, 25});
    connect();
    EXPECT_EQ(pass(near, milliseconds{300}), 1U);  // switched on: at once
    EXPECT_EQ(pass(near, seconds{24}), 0U);
    send_to_near();
    EXPECT_EQ(pass(near, seconds{10} + milliseconds{300}), 1U);  // the passive one
    EXPECT_EQ(pass(near, seconds{24}), 0U);
    EXPECT_EQ(pass(near, seconds{2}), 1U);
    near.tables->configure_peer(kPeer, {kTunnel, 0});
    EXPECT_EQ(pass(near, seconds{60}), 0U);
}

// decisions.md W5: control does nothing for a minute.
TEST_F(PeerTimersTest, KeepsANatOpenWithoutControl) {
    near.tables->configure_peer(kPeer, {kTunnel, 25});
    connect();
    Now last = now;
    for (Now end = now + seconds{60}; now < end;) {
        if (pass(near, milliseconds{50}) != 0) {
            EXPECT_LE(now - last, seconds{30});
            last = now;
        }
    }
    EXPECT_LE(now - last, seconds{30});
    EXPECT_GE(near.states[0]->counters.keepalives_sent.value(), 2U);
}

TEST_F(PeerTimersTest, PersistentKeepaliveAsksForASession) {
    near.tables->configure_peer(kPeer, {kTunnel, 25});
    EXPECT_EQ(pass(near, milliseconds{300}), 0U);
    EXPECT_EQ(near.event_kinds(), Kinds{TunnelEventKind::handshake_wanted});
    near.add_peer(5, {}, {}, 25);  // no endpoint: nobody to ask
    pass(near, milliseconds{600});
    EXPECT_TRUE(near.events().empty());
}

TEST_F(PeerTimersTest, WithoutABufferAKeepaliveWaitsForItsTurn) {
    near.tables->configure_peer(kPeer, {kTunnel, 25});
    connect();
    for (int turn = 0; turn < 20; ++turn, now += milliseconds{50}) {
        near.batch.clear();
        near.batch.clear_spares();
        slice(*near.states[0], near.batch, now);
        EXPECT_EQ(near.batch.size(), 0U);
    }
    EXPECT_EQ(pass(near, milliseconds{300}), 1U);
}

TEST_F(PeerTimersTest, InitiatorRenewsOnSendAfter120Seconds) {
    connect();
    now += kRekeyAfterTime - Duration{1};
    send_to_far();
    EXPECT_TRUE(near.events().empty());
    now += Duration{1};
    send_to_far();
    EXPECT_EQ(near.event_kinds(), Kinds{TunnelEventKind::handshake_wanted});
    // The responder does not.
    send_to_near();
    EXPECT_TRUE(far.events().empty());
}

TEST_F(PeerTimersTest, RenewsAfterManyMessages) {
    connect();
    far.session(1).next_counter.store(kRekeyAfterMessages - 1);
    send_to_near();
    EXPECT_TRUE(far.events().empty());
    send_to_near();
    send_to_near();
    EXPECT_EQ(far.event_kinds(), Kinds{TunnelEventKind::handshake_wanted});
}

TEST_F(PeerTimersTest, InitiatorRenewsOnceOnReceiveAfter165Seconds) {
    connect();
    static_cast<void>(near.events());
    now += seconds{165} - Duration{1};
    send_to_near();
    EXPECT_TRUE(near.events().empty());
    now += Duration{1};
    send_to_near();
    EXPECT_EQ(near.event_kinds(), Kinds{TunnelEventKind::handshake_wanted});
    now += seconds{5};
    send_to_near();
    EXPECT_TRUE(near.events().empty());
}

TEST_F(PeerTimersTest, SessionsEndWhenTheyExpire) {
    connect();
    static_cast<void>(near.events());
    const Now birth = now;
    pass(near, birth + kRejectAfterTime - milliseconds{50});
    EXPECT_NE(near.peer().slots.load(), PeerSlots{});
    static_cast<void>(near.events());
    now = birth + kRejectAfterTime;
    Frame held = inner("10.99.1.5", "10.99.2.5");
    EXPECT_EQ(near.seal(held, now).lane, Lane::hold);
    pass(near, milliseconds{300});
    EXPECT_EQ(near.peer().slots.load(), PeerSlots{});
    EXPECT_EQ(near.event_kinds(),
              (Kinds{TunnelEventKind::handshake_wanted, TunnelEventKind::session_ended}));
}

// Every peer has its turn within 250 ms, however many and however slices fall.
TEST_F(PeerTimersTest, RoundOverManyPeersIsShort) {
    Box box{{.peers = 3000,
             .sessions = 64,
             .prefixes = 8,
             .workers = 2,
             .staged_packets_per_worker = 8}};
    for (PeerId peer = 0; peer < 3000; ++peer) {
        box.add_peer(peer, {}, "203.0.113.1:51820");
        box.peer(peer).unanswered_since.set(now - seconds{20});
    }
    const Now end = now + milliseconds{250};
    for (int turn = 0; now < end; ++turn) {
        for (WorkerId worker = 0; worker < 2; ++worker) {
            box.batch.clear();
            slice(*box.states[worker], box.batch, now);
        }
        now += std::chrono::microseconds{100 + turn % 7 * 311};
    }
    std::set<PeerId> told;
    for (WorkerId worker = 0; worker < 2; ++worker) {
        for (const TunnelEvent& event : box.events(worker)) {
            EXPECT_EQ(event.peer % 2, worker);
            EXPECT_TRUE(told.insert(event.peer).second);
        }
    }
    EXPECT_EQ(told.size(), 3000U);
}

TEST_F(PeerTimersTest, RoamsWithAuthenticPackets) {
    connect();
    Frame frame = sealed(inner("10.99.1.5", "10.99.2.5"));
    travel(frame, "203.0.113.77:4000");
    now += seconds{1};
    ASSERT_EQ(far.open(frame, now).lane, Lane::parse);
    const PeerEndpoint known = far.peer().endpoint.read();
    EXPECT_EQ(known.remote, endpoint("203.0.113.77:4000"));
    EXPECT_EQ(known.local, ip("198.51.100.1"));
    EXPECT_EQ(known.stamp, now);
    // Replies go there, from the address that was spoken to.
    Frame back = inner("10.99.2.5", "10.99.1.5");
    ASSERT_EQ(far.seal(back, now).lane, Lane::underlay);
    EXPECT_EQ(Ipv4Address{back.ipv4().destination}, builders::address("203.0.113.77"));
    EXPECT_EQ(Ipv4Address{back.ipv4().source}, builders::address("198.51.100.1"));
    EXPECT_EQ(back.udp().destination_port.host(), 4000);
    EXPECT_TRUE(checksum_is_valid(back.header()));
}

// W11: what was punted earlier loses against what was received later; a configured endpoint counts
// once.
TEST_F(PeerTimersTest, OlderNewsOfAnEndpointLoses) {
    connect();
    now += seconds{5};
    send_to_far();
    const IpEndpoint candidate = endpoint("203.0.113.5:5");
    EXPECT_FALSE(
        far.tables->offer_endpoint(kPeer, candidate, ip("198.51.100.1"), now - milliseconds{1}));
    EXPECT_TRUE(far.tables->offer_endpoint(kPeer, candidate, ip("198.51.100.1"), now));
    EXPECT_FALSE(far.tables->learn_endpoint(kPeer, endpoint("203.0.113.6:6"), ip("198.51.100.1"),
                                            now - seconds{1}));
    EXPECT_EQ(far.peer().endpoint.read().remote, candidate);
    // The same configuration again, after a restart of control.
    EXPECT_FALSE(far.tables->apply_configured_endpoint(kPeer, endpoint("192.0.2.1:51820"), 1, now));
    EXPECT_EQ(far.peer().endpoint.read().remote, candidate);
    EXPECT_TRUE(far.tables->apply_configured_endpoint(kPeer, endpoint("192.0.2.9:51820"), 2, now));
    EXPECT_EQ(far.peer().endpoint.read().remote, endpoint("192.0.2.9:51820"));
    EXPECT_TRUE(far.peer().endpoint.read().local.is_none());
}

TEST_F(PeerTimersTest, SourceCanBeForgotten) {
    connect();
    ASSERT_FALSE(far.peer().endpoint.read().local.is_none());
    far.tables->forget_source(kPeer);
    EXPECT_TRUE(far.peer().endpoint.read().local.is_none());
    EXPECT_EQ(far.peer().endpoint.read().remote, endpoint("192.0.2.1:51820"));
    Frame back = inner("10.99.2.5", "10.99.1.5");
    ASSERT_EQ(far.seal(back, now).lane, Lane::underlay);
    EXPECT_TRUE(Ipv4Address{back.ipv4().source}.is_unspecified());  // the underlay's to choose
    EXPECT_TRUE(checksum_is_valid(back.header()));
}

TEST_F(PeerTimersTest, InjectedMessagesGoOutAndCount) {
    Injection injection{.kind = InjectionKind::send_to_peer,
                        .peer = kPeer,
                        .tunnel = kTunnel,
                        .dscp_and_ecn = 0x88,
                        .length_bytes = 148};
    injection.bytes.fill(std::byte{0xAB});
    ASSERT_EQ(near.tables->injections(0).push({&injection, 1}), 1U);
    near.peer().unacknowledged_since.set(now);
    EXPECT_EQ(pass(near, milliseconds{50}), 1U);
    Frame frame{0};
    frame.packet = near.batch[near.batch.lane(Lane::underlay)[0]];
    EXPECT_EQ(frame.ipv4().dscp_and_ecn, 0x88);
    EXPECT_EQ(Ipv4Address{frame.ipv4().destination}, builders::address("198.51.100.1"));
    EXPECT_EQ(frame.transport().size(), 8U + 148U);
    EXPECT_EQ(frame.bytes().back(), std::byte{0xAB});
    EXPECT_EQ(near.peer().sent_bytes.load(), 148U);
    EXPECT_TRUE(near.peer().sent_at.is_set());
    EXPECT_FALSE(near.peer().unacknowledged_since.is_set());

    injection.kind = InjectionKind::send_to_endpoint;  // a cookie reply is no event
    injection.to = endpoint("[2001:db8::1]:999");
    injection.from = ip("2001:db8::2");
    injection.dscp_and_ecn = 0;
    injection.length_bytes = 64;
    ASSERT_EQ(near.tables->injections(0).push({&injection, 1}), 1U);
    EXPECT_EQ(pass(near, milliseconds{50}), 1U);
    frame.packet = near.batch[near.batch.lane(Lane::underlay)[0]];
    const auto& outer = frame.packet.header<Ipv6Header>(frame.packet.l3);
    EXPECT_EQ(outer.destination, ip("2001:db8::1").ipv6());
    EXPECT_EQ(outer.source, ip("2001:db8::2").ipv6());
    EXPECT_EQ(frame.udp().destination_port.host(), 999);
    EXPECT_EQ(near.peer().sent_bytes.load(), 148U);
}

}  // namespace
}  // namespace towpath::wireguard
