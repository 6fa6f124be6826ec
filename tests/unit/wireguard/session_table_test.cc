// SPDX-License-Identifier: BSD-3-Clause
// Sessions: their table, their places at a peer, how they end.
#include "dataplane/wireguard/session_table.h"

#include "tests/unit/wireguard/tunnel_fixture.h"

namespace towpath::wireguard {
namespace {

constexpr std::uint32_t kNone = PeerSlots::kNone;

class SessionTest : public TunnelTest {
protected:
    std::vector<std::uint32_t> collected(Box& box) {
        std::vector<std::uint32_t> freed(64);
        freed.resize(box.tables->collect(freed));
        return freed;
    }
    static PeerSlots slots(Box& box) { return box.peer().slots.load(); }
};

TEST(PeerSlotsTest, HoldsAnySlotAndFollowsTheRules) {
    constexpr std::uint32_t kBig = kSessionsMax - 1;
    const PeerSlots empty;
    EXPECT_EQ(empty.all(), (std::array<std::uint32_t, 3>{kNone, kNone, kNone}));
    const PeerSlots full{0, kBig, 7};
    EXPECT_EQ(full.all(), (std::array<std::uint32_t, 3>{0, kBig, 7}));
    // wireguard.md section 9, row by row.
    EXPECT_EQ((PeerSlots{1, 2, kNone}.with_initiated(9)), (PeerSlots{2, 9, kNone}));
    EXPECT_EQ((PeerSlots{1, 2, 3}.with_initiated(9)), (PeerSlots{3, 9, kNone}));
    EXPECT_EQ((PeerSlots{1, 2, 3}.with_answered(9)), (PeerSlots{kNone, 2, 9}));
    EXPECT_EQ((PeerSlots{1, 2, 3}.promoted()), (PeerSlots{2, 3, kNone}));
    EXPECT_EQ((PeerSlots{1, 2, 3}.without(2)), (PeerSlots{1, kNone, 3}));
}

TEST_F(SessionTest, IsFoundByTheWholeIndex) {
    ASSERT_EQ(install(near, 3, true, 0, kPeer, 5), InstallResult::installed);
    SessionTable& sessions = near.tables->sessions();
    ASSERT_NE(sessions.find(index_of(3, 5)), nullptr);
    EXPECT_EQ(sessions.find(index_of(3, 4)), nullptr);
    EXPECT_EQ(sessions.find(index_of(4, 5)), nullptr);
    EXPECT_EQ(sessions.find(index_of(near.tables->capacity().sessions)), nullptr);
    EXPECT_EQ(sessions.find(index_of(3, 5))->index(), index_of(3, 5));
    EXPECT_EQ(sessions.live_count(), 1U);
}

// decisions.md W1: a known index is refused, never reset.
TEST_F(SessionTest, RefusesASlotInUse) {
    ASSERT_EQ(install(near, 3, true), InstallResult::installed);
    near.session(3).next_counter.store(100);
    EXPECT_EQ(install(near, 3, true), InstallResult::slot_in_use);
    EXPECT_EQ(install(near, 3, true, 0, kPeer, 1), InstallResult::slot_in_use);
    EXPECT_EQ(near.session(3).next_counter.load(), 100U);
    EXPECT_EQ(install(near, near.tables->capacity().sessions, true), InstallResult::slot_in_use);
    EXPECT_EQ(install(near, 4, true, 0, 40), InstallResult::unknown_peer);
    EXPECT_EQ(install(near, 4, true, 0, 4000), InstallResult::unknown_peer);
}

TEST_F(SessionTest, IsWipedAndFreeOnlyWhenNoWorkerCanSeeIt) {
    near.quiescence.come_online(0);
    ASSERT_EQ(install(near, 3, true), InstallResult::installed);
    const Session& session = near.session(3);
    near.tables->retire(index_of(3));
    EXPECT_EQ(near.tables->sessions().find(index_of(3)), nullptr);
    EXPECT_EQ(slots(near), PeerSlots{});
    EXPECT_TRUE(collected(near).empty());
    EXPECT_EQ(session.send_key.bytes()[0], std::byte{7});  // a worker may be using it
    EXPECT_EQ(install(near, 3, true, 0, kPeer, 1), InstallResult::slot_in_use);
    near.quiescence.pass(0);
    EXPECT_EQ(collected(near), std::vector{index_of(3)});
    EXPECT_EQ(session.send_key.bytes()[0], std::byte{});
    EXPECT_EQ(install(near, 3, true, 0, kPeer, 1), InstallResult::installed);
    near.tables->retire(index_of(3));  // of the one before: no error, no effect
    EXPECT_NE(near.tables->sessions().find(index_of(3, 1)), nullptr);
}

TEST_F(SessionTest, OwnerThatIsNoWorkerIsTheHome) {
    ASSERT_EQ(install(near, 3, true, 9), InstallResult::installed);
    EXPECT_EQ(near.session(3).owner, 0);
}

TEST_F(SessionTest, OfAnInitiatorReplacesCurrent) {
    ASSERT_EQ(install(near, 1, true), InstallResult::installed);
    ASSERT_EQ(install(near, 2, true), InstallResult::installed);
    EXPECT_EQ(slots(near), (PeerSlots{1, 2, kNone}));
    ASSERT_EQ(install(near, 3, true), InstallResult::installed);
    EXPECT_EQ(slots(near), (PeerSlots{2, 3, kNone}));
    EXPECT_EQ(collected(near), std::vector{index_of(1)});
}

TEST_F(SessionTest, OfAResponderWaitsForItsFirstPacket) {
    connect(1);  // far: current 1
    ASSERT_EQ(install(near, 2, true), InstallResult::installed);
    ASSERT_EQ(install(far, 2, false), InstallResult::installed);
    EXPECT_EQ(slots(far), (PeerSlots{kNone, 1, 2}));
    // Until then far sends under the old one, which near still receives.
    Frame back = inner("10.99.2.5", "10.99.1.5");
    ASSERT_EQ(far.seal(back, now).lane, Lane::underlay);
    EXPECT_EQ(back.packet.header<TransportHeader>(42).receiver_index.host(), index_of(1));
    travel(back, "198.51.100.1:51820");
    EXPECT_EQ(near.open(back, now).lane, Lane::parse);
    EXPECT_EQ(slots(near), (PeerSlots{1, 2, kNone}));  // #31: previous changes nothing

    Frame frame = sealed(inner("10.99.1.5", "10.99.2.5"));
    ASSERT_EQ(far.open(frame, now).lane, Lane::parse);
    EXPECT_EQ(slots(far), (PeerSlots{1, 2, kNone}));
    const std::vector<TunnelEvent> events = far.events();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].kind, TunnelEventKind::session_confirmed);
    EXPECT_EQ(events[0].peer, kPeer);
    EXPECT_EQ(events[0].index, index_of(2));
    EXPECT_EQ(events[0].at, now);
}

TEST_F(SessionTest, PromotionEndsPrevious) {
    for (const std::uint32_t slot : {1U, 2U, 3U}) {
        ASSERT_EQ(install(near, slot, true), InstallResult::installed);
        ASSERT_EQ(install(far, slot, false), InstallResult::installed);
        static_cast<void>(far.events());
        Frame frame = sealed(inner("10.99.1.5", "10.99.2.5"));
        ASSERT_EQ(far.open(frame, now).lane, Lane::parse);
    }
    // A responder's install has destroyed previous already, so promotion finds none.
    EXPECT_EQ(slots(far), (PeerSlots{2, 3, kNone}));
    EXPECT_EQ(collected(far), std::vector{index_of(1)});
    // An initiator's fills it; a promotion behind it pushes it out.
    ASSERT_EQ(install(far, 4, false), InstallResult::installed);
    ASSERT_EQ(install(near, 4, true), InstallResult::installed);
    far.peer().slots.change([](PeerSlots) { return PeerSlots{2, 3, 4}; });
    Frame frame = sealed(inner("10.99.1.5", "10.99.2.5"));
    ASSERT_EQ(far.open(frame, now).lane, Lane::parse);
    EXPECT_EQ(slots(far), (PeerSlots{3, 4, kNone}));
    EXPECT_TRUE(far.session(2).has_ended.load());
}

// An end that could not be told is found by the server thread.
TEST_F(SessionTest, EndIsFoundWhenTheRingWasFull) {
    connect(1);
    TunnelEventRing& ring = far.tables->events(0);
    const TunnelEvent filler;
    while (ring.push({&filler, 1}) == 1) {
    }
    now += kRejectAfterTime;
    far.batch.clear();
    slice(*far.states[0], far.batch, now);
    EXPECT_EQ(slots(far), PeerSlots{});
    EXPECT_GE(far.states[0]->counters.events_lost.value(), 1U);
    EXPECT_EQ(collected(far), std::vector{index_of(1)});
}

TEST_F(SessionTest, ConfirmationIsToldAgainWhenTheRingWasFull) {
    connect(1, false);
    TunnelEventRing& ring = far.tables->events(0);
    const TunnelEvent filler;
    while (ring.push({&filler, 1}) == 1) {
    }
    Frame first = sealed(inner("10.99.1.5", "10.99.2.5"));
    ASSERT_EQ(far.open(first, now).lane, Lane::parse);
    static_cast<void>(far.events());
    Frame second = sealed(inner("10.99.1.5", "10.99.2.5"));
    ASSERT_EQ(far.open(second, now).lane, Lane::parse);
    EXPECT_EQ(far.event_kinds(), std::vector{TunnelEventKind::session_confirmed});
}

TEST_F(SessionTest, ReceivesOnlyWhenTheIdentityChanged) {
    connect(1);
    far.tables->stop_sending(kPeer);
    EXPECT_EQ(far.open(*std::make_unique<Frame>(sealed(inner("10.99.1.5", "10.99.2.5"))), now).lane,
              Lane::parse);
    Frame back = inner("10.99.2.5", "10.99.1.5");
    EXPECT_EQ(far.seal(back, now).lane, Lane::hold);
    EXPECT_EQ(far.event_kinds(), std::vector{TunnelEventKind::handshake_wanted});
}

TEST_F(SessionTest, AllOfAPeerEnd) {
    connect(1);
    ASSERT_EQ(install(far, 2, false), InstallResult::installed);
    far.tables->end_sessions(kPeer);
    EXPECT_EQ(slots(far), PeerSlots{});
    EXPECT_EQ(collected(far).size(), 2U);
    EXPECT_EQ(far.tables->sessions().live_count(), 0U);
    Frame frame = sealed(inner("10.99.1.5", "10.99.2.5"));
    EXPECT_EQ(far.open(frame, now), (Exit{Lane::drop, DropReason::tunnel_unknown_index}));
}

// The slots hold what is in use while a worker still has the session in its hands.
TEST_F(SessionTest, RetiredWhileInUseStaysReadable) {
    far.quiescence.come_online(0);
    connect(1);
    Session* const held = far.tables->sessions().find(index_of(1));
    ASSERT_NE(held, nullptr);
    far.tables->retire(index_of(1));
    EXPECT_TRUE(collected(far).empty());
    EXPECT_EQ(held->receive_key.bytes()[0], std::byte{3});
    EXPECT_FALSE(held->may_receive.load());
    far.quiescence.pass(0);
    EXPECT_EQ(collected(far), std::vector{index_of(1)});
}

// decisions.md W4: any other worker hands off, before the replay test.
TEST_F(SessionTest, BelongsToOneWorker) {
    Box two{
        {.peers = 4, .sessions = 16, .prefixes = 8, .workers = 2, .staged_packets_per_worker = 8}};
    two.add_peer(kPeer, {"10.99.1.0/24"}, "192.0.2.1:51820");
    connect(1, false);
    ASSERT_EQ(install(two, 1, false, 1), InstallResult::installed);
    Frame frame = sealed(inner("10.99.1.5", "10.99.2.5"));
    ASSERT_EQ(two.open(frame, now, 0).lane, Lane::hand_off);
    EXPECT_EQ(frame.packet.target_worker, 1);
    EXPECT_EQ(frame.packet.resume, Lane::open);
    EXPECT_EQ(two.open(frame, now, 1).lane, Lane::parse);
}

}  // namespace
}  // namespace towpath::wireguard
