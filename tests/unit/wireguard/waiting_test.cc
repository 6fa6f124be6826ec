// SPDX-License-Identifier: BSD-3-Clause
// Outgoing packets that cannot be sealed, and those that wait until they can (wireguard.md section
// 17 #39 to #43; decisions.md W7).
#include "tests/unit/wireguard/tunnel_fixture.h"

namespace towpath::wireguard {
namespace {

using std::chrono::seconds;

class WaitingTest : public TunnelTest {
protected:
    static constexpr Exit kHeld{Lane::hold, DropReason::none};

    static Frame out(std::string_view destination = "10.99.2.5") {
        return inner("10.99.1.5", destination);
    }
    Exit seal_at_near(Frame frame) { return near.seal(frame, now); }
    // The batch after one slice.
    Batch& sliced(Box& box, WorkerId worker = 0) {
        box.batch.clear();
        slice(*box.states[worker], box.batch, now);
        return box.batch;
    }
    void inject(InjectionKind kind, PeerId peer = kPeer) {
        const Injection injection{.kind = kind, .peer = peer, .tunnel = kTunnel};
        ASSERT_EQ(near.tables->injections(0).push({&injection, 1}), 1U);
    }
    // Keeps the storage of held packets alive.
    Frame& kept(Frame frame) { return frames_.emplace_back(std::move(frame)); }
    Exit hold(std::string_view destination = "10.99.2.5") {
        return near.seal(kept(out(destination)), now);
    }
    void add_spares(Box& box, std::size_t count = 4) {
        for (std::size_t added = 0; added < count; ++added) {
            box.batch.add_spare(kept(Frame{0}).packet);
        }
    }

private:
    std::deque<Frame> frames_;
};

TEST_F(WaitingTest, Number39NoPeerTellsTheSender) {
    Frame frame = out("10.99.9.9");
    EXPECT_EQ(near.seal(frame, now), (Exit{Lane::icmp_error, DropReason::seal_no_peer}));
    EXPECT_EQ(frame.packet.icmp_type, 3);
    EXPECT_EQ(frame.packet.icmp_code, 1);
    Frame six = inner_ipv6("2001:db8:1::5", "2001:db8:9::9");
    EXPECT_EQ(near.seal(six, now), (Exit{Lane::icmp6_error, DropReason::seal_no_peer}));
    EXPECT_EQ(six.packet.icmp_type, 1);
    EXPECT_EQ(six.packet.icmp_code, 3);
}

TEST_F(WaitingTest, Number40NoEndpointTellsTheSender) {
    near.add_peer(3, {"10.99.3.0/24"});
    Frame frame = out("10.99.3.5");
    EXPECT_EQ(near.seal(frame, now), (Exit{Lane::icmp_error, DropReason::seal_no_endpoint}));
    EXPECT_EQ(frame.packet.icmp_type, 3);
    EXPECT_EQ(frame.packet.icmp_code, 1);
    EXPECT_TRUE(near.events().empty());
}

TEST_F(WaitingTest, Number41NotIpTellsNobody) {
    Frame frame = out();
    frame.ipv4().version_and_ihl = 0x55;
    EXPECT_EQ(near.seal(frame, now), (Exit{Lane::drop, DropReason::tunnel_not_ip}));
}

TEST_F(WaitingTest, Number42SpentCountersSendNothingMore) {
    connect();
    near.session(1).next_counter.store(kRejectAfterMessages - 2);
    near.batch.clear();
    for (int packet = 0; packet < 4; ++packet) {
        ASSERT_TRUE(near.batch.admit(kept(out()).packet, Lane::seal));
    }
    seal_stage(*near.states[0], near.batch, now);
    EXPECT_EQ(near.batch.lane(Lane::underlay).size(), 2U);
    EXPECT_EQ(near.batch.lane(Lane::hold).size(), 2U);
    EXPECT_FALSE(near.session(1).may_send.load());
    EXPECT_EQ(near.event_kinds().back(), TunnelEventKind::handshake_wanted);
    EXPECT_EQ(hold(), kHeld);
    EXPECT_LE(near.session(1).next_counter.load(), kRejectAfterMessages + 2);
}

TEST_F(WaitingTest, TunnelDownOrGone) {
    near.interfaces.storage[1].is_up = false;
    EXPECT_EQ(seal_at_near(out()), (Exit{Lane::drop, DropReason::tunnel_down}));
    near.tunnels.storage[1] = {};
    EXPECT_EQ(seal_at_near(out()), (Exit{Lane::drop, DropReason::tunnel_down}));
}

TEST_F(WaitingTest, NoRoomForTheHeaders) {
    connect();
    Frame no_head = out();
    no_head.packet.head = 40;
    std::memmove(no_head.packet.data(), no_head.packet.data() + builders::kHeadRoom - 40,
                 no_head.packet.length);
    EXPECT_EQ(near.seal(no_head, now), (Exit{Lane::drop, DropReason::seal_no_room}));
    Frame no_tail = out();
    no_tail.packet.capacity =
        static_cast<std::uint16_t>(no_tail.packet.head + no_tail.packet.length + 15);
    EXPECT_EQ(near.seal(no_tail, now), (Exit{Lane::drop, DropReason::seal_no_room}));
}

TEST_F(WaitingTest, PacketsWaitForASessionAndLeaveInOrder) {
    for (int packet = 0; packet < 5; ++packet) {
        Frame& frame = kept(out());
        frame.ipv4().identification = be16{static_cast<std::uint16_t>(packet)};
        frame.seal_checksum();
        ASSERT_EQ(near.seal(frame, now), kHeld);
    }
    // One request, however many packets.
    EXPECT_EQ(near.event_kinds(), std::vector{TunnelEventKind::handshake_wanted});
    EXPECT_EQ(near.states[0]->staging.size(), 5U);
    EXPECT_TRUE(sliced(near).lane(Lane::seal).empty());
    connect(1, false);
    Batch& batch = sliced(near);  // notices by itself
    ASSERT_EQ(batch.lane(Lane::seal).size(), 5U);
    EXPECT_EQ(near.released.value(), 5U);
    for (int packet = 0; packet < 5; ++packet) {
        const Packet& released = batch[batch.lane(Lane::seal)[static_cast<std::size_t>(packet)]];
        EXPECT_EQ(released.header<Ipv4Header>(released.l3).identification.host(), packet);
    }
    seal_stage(*near.states[0], batch, now);
    EXPECT_EQ(batch.lane(Lane::underlay).size(), 5U);
    EXPECT_EQ(near.states[0]->staging.waiting_count(), 0U);
}

TEST_F(WaitingTest, AsksAgainOnlyAfterASecond) {
    ASSERT_EQ(hold(), kHeld);
    now += seconds{1} - Duration{1};
    ASSERT_EQ(hold(), kHeld);
    EXPECT_EQ(near.events().size(), 1U);
    now += Duration{1};
    ASSERT_EQ(hold(), kHeld);
    EXPECT_EQ(near.events().size(), 1U);
}

TEST_F(WaitingTest, AsksAgainWhenTheRingWasFull) {
    TunnelEventRing& ring = near.tables->events(0);
    const TunnelEvent filler;
    while (ring.push({&filler, 1}) == 1) {
    }
    ASSERT_EQ(hold(), kHeld);
    static_cast<void>(near.events());
    static_cast<void>(sliced(near));
    EXPECT_EQ(near.event_kinds(), std::vector{TunnelEventKind::handshake_wanted});
}

TEST_F(WaitingTest, TheOldestOf128GivesWay) {
    for (std::uint16_t packet = 0; packet < 128; ++packet) {
        Frame& frame = kept(out());
        frame.ipv4().identification = be16{packet};
        ASSERT_EQ(near.seal(frame, now), kHeld) << packet;
    }
    EXPECT_EQ(hold(), kHeld);
    ASSERT_EQ(near.batch.lane(Lane::drop).size(), 1U);
    const Packet& oldest = near.batch[near.batch.lane(Lane::drop)[0]];
    EXPECT_EQ(oldest.verdict, DropReason::staging_replaced);
    EXPECT_EQ(oldest.header<Ipv4Header>(oldest.l3).identification.host(), 0);
    EXPECT_EQ(near.tables->peers().waiting(0).staged.count, 128U);
}

// W7: a scan of dead peers takes no more than the room that all have together, and a peer with a
// session needs none of it.
TEST_F(WaitingTest, AllPeersTogetherHaveABound) {
    connect();
    for (PeerId peer = 1; peer < 50; ++peer) {
        const std::string prefix = "10.99." + std::to_string(100 + peer) + ".0/24";
        near.add_peer(peer, {prefix}, "203.0.113.1:51820");
    }
    std::size_t held = 0;
    std::size_t refused = 0;
    for (int packet = 0; packet < 500; ++packet) {
        const Exit exit = hold("10.99." + std::to_string(101 + packet % 49) + ".1");
        held += exit == kHeld ? 1 : 0;
        refused += exit == Exit{Lane::drop, DropReason::staging_full} ? 1 : 0;
    }
    EXPECT_EQ(held, 256U);
    EXPECT_EQ(refused, 244U);
    EXPECT_EQ(near.states[0]->staging.waiting_count(), 49U);
    EXPECT_EQ(seal_at_near(out()).lane, Lane::underlay);
}

TEST_F(WaitingTest, AbandonedWhenTheHandshakeIsGivenUp) {
    add_spares(near);
    for (int packet = 0; packet < 120; ++packet) {
        ASSERT_EQ(hold(), kHeld);
    }
    inject(InjectionKind::abandon);
    std::size_t dropped = 0;
    for (int turn = 0; turn < 4; ++turn) {
        for (const PacketIndex index : sliced(near).lane(Lane::drop)) {
            EXPECT_EQ(near.batch[index].verdict, DropReason::staging_abandoned);
            ++dropped;
        }
    }
    EXPECT_EQ(dropped, 120U);
    EXPECT_EQ(near.states[0]->staging.size(), 0U);
    EXPECT_EQ(hold(), kHeld);  // begins anew
}

TEST_F(WaitingTest, AbandonedWhenThePeerIsRemoved) {
    ASSERT_EQ(hold(), kHeld);
    near.tables->remove_peer(kPeer);
    Batch& batch = sliced(near);
    ASSERT_EQ(batch.lane(Lane::drop).size(), 1U);
    EXPECT_EQ(batch[0].verdict, DropReason::staging_abandoned);
    // A prefix that is still there leads to nobody.
    EXPECT_EQ(seal_at_near(out()), (Exit{Lane::drop, DropReason::staging_abandoned}));
}

TEST_F(WaitingTest, DiscardGivesEveryBufferBack) {
    for (int packet = 0; packet < 100; ++packet) {
        ASSERT_EQ(hold(), kHeld);
    }
    add_spares(near, 0);
    std::size_t dropped = 0;
    bool is_more = true;
    while (is_more) {
        near.batch.clear();
        is_more = discard(*near.states[0], near.batch);
        dropped += near.batch.lane(Lane::drop).size();
        EXPECT_TRUE(near.batch.is_conserved());
    }
    EXPECT_EQ(dropped, 100U);
}

// wireguard.md section 9: promotion of next flushes what waits, in the same burst.
TEST_F(WaitingTest, PromotionReleasesWhatWaits) {
    Frame& back = kept(inner("10.99.2.5", "10.99.1.5"));
    ASSERT_EQ(far.seal(back, now), kHeld);
    connect(1, false);
    EXPECT_TRUE(sliced(far).lane(Lane::seal).empty());  // next is not for sending yet
    Frame first = sealed(out());
    ASSERT_EQ(far.open(first, now).lane, Lane::parse);
    EXPECT_EQ(far.batch.lane(Lane::seal).size(), 1U);
}

TEST_F(WaitingTest, FlushSendsWhatWaitsElseAKeepalive) {
    add_spares(near);
    ASSERT_EQ(hold(), kHeld);
    connect(1, false);
    inject(InjectionKind::flush);
    EXPECT_TRUE(has_work(*near.states[0]));
    EXPECT_EQ(sliced(near).lane(Lane::seal).size(), 1U);
    EXPECT_EQ(near.batch.lane(Lane::underlay).size(), 0U);
    EXPECT_FALSE(has_work(*near.states[0]));

    inject(InjectionKind::flush);
    Batch& batch = sliced(near);
    ASSERT_EQ(batch.lane(Lane::underlay).size(), 1U);
    Frame keepalive{0};
    keepalive.packet = batch[batch.lane(Lane::underlay)[0]];
    EXPECT_EQ(keepalive.packet.length - keepalive.packet.l4, 8 + 32);
    travel(keepalive);
    EXPECT_EQ(far.open(keepalive, now).lane, Lane::absorb);
}

// The peer's packets wait on one worker, whichever they came to.
TEST_F(WaitingTest, WaitsAtHome) {
    Box two{
        {.peers = 4, .sessions = 16, .prefixes = 8, .workers = 2, .staged_packets_per_worker = 8}};
    two.add_peer(1, {"10.99.2.0/24"}, "198.51.100.1:51820");
    Frame& frame = kept(out());
    ASSERT_EQ(two.seal(frame, now, 0).lane, Lane::hand_off);
    EXPECT_EQ(frame.packet.target_worker, 1);
    EXPECT_EQ(frame.packet.resume, Lane::seal);
    EXPECT_EQ(two.seal(frame, now, 1).lane, Lane::hold);
    EXPECT_TRUE(two.events(0).empty());
    EXPECT_EQ(two.events(1).size(), 1U);
}

}  // namespace
}  // namespace towpath::wireguard
