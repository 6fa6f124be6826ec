// SPDX-License-Identifier: BSD-3-Clause
// TCP through both stages: who may connect, how long it lives, what a stranger gets.
#include <gtest/gtest.h>

#include "tests/builders/nat_rig.h"

namespace towpath::nat {
namespace {

using namespace builders;
using namespace std::chrono_literals;
using Exit = NatRig::Exit;

constexpr std::uint8_t kSynAck = kTcpSyn | kTcpAck;
constexpr Exit kFiltered{Lane::drop, DropReason::inbound_filtered};
constexpr Exit kNoMapping{Lane::drop, DropReason::inbound_no_mapping};

class Tcp : public testing::Test {
protected:
    Exit out(std::uint8_t flags, std::uint16_t port = 5000,
             std::string_view remote = "198.51.100.1") {
        Frame frame = tcp({.source = "10.0.0.1",
                           .source_port = port,
                           .destination = remote,
                           .destination_port = 443,
                           .tcp_flags = flags});
        const Exit exit = rig.from_inside(frame);
        if (exit.passed()) {
            EXPECT_TRUE(checksums_are_valid(frame));
        }
        return exit;
    }
    Exit in(std::uint8_t flags, std::string_view remote = "198.51.100.1",
            std::uint16_t remote_port = 443, std::uint16_t port = 5000) {
        Frame frame = tcp({.source = remote,
                           .source_port = remote_port,
                           .destination = "203.0.113.9",
                           .destination_port = port,
                           .tcp_flags = flags});
        const Exit exit = rig.from_outside(frame);
        if (exit.passed()) {
            EXPECT_TRUE(checksums_are_valid(frame));
            EXPECT_EQ(destination_of(frame), (Endpoint{address("10.0.0.1"), Port{port}}));
        }
        return exit;
    }
    void connect() {
        ASSERT_TRUE(out(kTcpSyn).passed());
        ASSERT_TRUE(in(kSynAck).passed());
        ASSERT_TRUE(out(kTcpAck).passed());
    }
    void set_filtering(Filtering filtering) {
        rig.policy.tcp_filtering = filtering;
        rig.publish();
    }

    NatRig rig;
};

TEST_F(Tcp, T03_DefaultAdmitsOnlyTheEndpointThatWasContacted) {
    connect();
    EXPECT_EQ(in(kTcpSyn, "198.51.100.1", 444), kFiltered);
    EXPECT_EQ(in(kTcpSyn, "198.51.100.2"), kFiltered);
    EXPECT_EQ(in(kTcpSyn, "198.51.100.1", 443, 6000), kNoMapping);
    EXPECT_TRUE(in(kTcpAck).passed());
}

TEST_F(Tcp, T03_AddressDependentAdmitsOtherPortsOfTheSameAddress) {
    set_filtering(Filtering::address_dependent);
    connect();
    EXPECT_TRUE(in(kTcpSyn, "198.51.100.1", 444).passed());
    EXPECT_EQ(in(kTcpSyn, "198.51.100.2"), kFiltered);
}

TEST_F(Tcp, T03_AddressDependentForgetsAnAddressWithItsLastConnection) {
    set_filtering(Filtering::address_dependent);
    connect();
    ASSERT_TRUE(out(kTcpSyn, 5000, "198.51.100.2").passed());
    rig.advance(245s);  // the second never got an answer
    EXPECT_EQ(in(kTcpSyn, "198.51.100.2", 999), kFiltered);
    EXPECT_TRUE(in(kTcpSyn, "198.51.100.1", 999).passed());
}

TEST_F(Tcp, T03_EndpointIndependentAdmitsAnyone) {
    set_filtering(Filtering::endpoint_independent);
    connect();
    EXPECT_TRUE(in(kTcpSyn, "198.51.100.2", 1).passed());
    Frame answer = tcp({.source = "10.0.0.1",
                        .source_port = 5000,
                        .destination = "198.51.100.2",
                        .destination_port = 1,
                        .tcp_flags = kSynAck});
    EXPECT_TRUE(rig.from_inside(answer).passed());
}

TEST_F(Tcp, T01_MappingIsEndpointIndependent) {
    for (const std::string_view remote : {"198.51.100.1", "198.51.100.2", "192.0.2.3"}) {
        ASSERT_TRUE(out(kTcpSyn, 5000, remote).passed());
    }
    EXPECT_EQ(rig.live_mappings(), 1U);
    EXPECT_EQ(rig.lookup(Protocol::tcp, "10.0.0.1", 5000)->sessions, 3U);
}

TEST_F(Tcp, T02a_SimultaneousOpen) {
    EXPECT_EQ(in(kTcpSyn), kNoMapping);  // theirs comes too early and is dropped silently
    ASSERT_TRUE(out(kTcpSyn).passed());
    ASSERT_TRUE(in(kTcpSyn).passed());  // theirs again
    ASSERT_TRUE(out(kSynAck).passed());
    ASSERT_TRUE(in(kSynAck).passed());
    rig.advance(3600s);
    EXPECT_TRUE(out(kTcpAck).passed());
}

TEST_F(Tcp, T05_EstablishedIdleLivesTwoHours) {
    connect();
    rig.advance(7439s);
    EXPECT_TRUE(in(kTcpAck).passed());
    rig.advance(7439s);  // any segment begins it anew
    EXPECT_TRUE(out(kTcpAck).passed());
    rig.advance(7443s);
    EXPECT_EQ(in(kTcpAck), kNoMapping);
    EXPECT_EQ(rig.live_mappings(), 0U);
}

TEST_F(Tcp, T05_HalfOpenLivesFourMinutes) {
    ASSERT_TRUE(out(kTcpSyn).passed());
    rig.advance(239s);
    EXPECT_EQ(rig.live_mappings(), 1U);
    rig.advance(4s);
    EXPECT_EQ(rig.live_mappings(), 0U);
    EXPECT_TRUE(rig.lookup(Protocol::tcp, "10.0.0.1", 5000)->is_held);
}

TEST_F(Tcp, ClosedBothWaysEndsAfterTheCloseTimer) {
    connect();
    ASSERT_TRUE(out(kTcpFin | kTcpAck).passed());
    rig.advance(300s);  // half closed: the established timer
    ASSERT_TRUE(in(kTcpFin | kTcpAck).passed());
    rig.advance(200s);
    ASSERT_TRUE(out(kTcpAck).passed());  // does not refresh
    rig.advance(44s);
    EXPECT_EQ(rig.live_mappings(), 0U);
}

TEST_F(Tcp, M02_2_ResetIsTranslatedAndStateKeptUnlessTrafficGoesOn) {
    connect();
    ASSERT_TRUE(in(kTcpRst).passed());
    rig.advance(100s);
    ASSERT_TRUE(out(kTcpAck).passed());  // traffic: the long timer is back
    rig.advance(1000s);
    ASSERT_TRUE(in(kTcpAck).passed());
    ASSERT_TRUE(in(kTcpRst).passed());
    rig.advance(244s);
    EXPECT_EQ(rig.live_mappings(), 0U);
}

TEST_F(Tcp, M02_1a_OpenAndCloseTimersAreApart) {
    rig.policy.timeouts.tcp_open = 60s;
    rig.policy.timeouts.tcp_close = 240s;
    rig.publish();
    connect();
    ASSERT_TRUE(out(kTcpSyn, 6000).passed());
    rig.advance(63s);
    EXPECT_TRUE(rig.lookup(Protocol::tcp, "10.0.0.1", 6000)->is_held);
    ASSERT_TRUE(in(kTcpRst).passed());
    rig.advance(200s);
    EXPECT_FALSE(rig.lookup(Protocol::tcp, "10.0.0.1", 5000)->is_held);
}

TEST_F(Tcp, NewConnectionOnAClosedTupleReusesTheMapping) {
    connect();
    ASSERT_TRUE(out(kTcpFin | kTcpAck).passed());
    ASSERT_TRUE(in(kTcpFin | kTcpAck).passed());
    connect();
    rig.advance(1000s);
    EXPECT_TRUE(in(kTcpAck).passed());
}

TEST_F(Tcp, N15_SegmentWithoutStateGetsAReset) {  // BAD-TCP-08
    Frame frame = tcp({.source = "10.0.0.1",
                       .source_port = 5000,
                       .destination = "198.51.100.1",
                       .destination_port = 443,
                       .payload_bytes = 10,
                       .tcp_flags = kTcpAck,
                       .tcp_acknowledgement = 0xABCD1234});
    ASSERT_TRUE(rig.from_inside(frame).passed());  // routed back, to the link
    EXPECT_EQ(frame.packet.egress, kLan);
    EXPECT_EQ(source_of(frame), (Endpoint{address("198.51.100.1"), Port{443}}));
    EXPECT_EQ(destination_of(frame), (Endpoint{address("10.0.0.1"), Port{5000}}));
    EXPECT_EQ(frame.tcp().flags, kTcpRst);
    EXPECT_EQ(frame.tcp().sequence, be32{0xABCD1234});
    EXPECT_EQ(frame.packet.length, 14 + 40);
    EXPECT_TRUE(frame.packet.is_originated);
    EXPECT_TRUE(checksums_are_valid(frame));
    EXPECT_EQ(rig.live_mappings(), 0U);
}

TEST_F(Tcp, N15_ResetOfASegmentWithoutAckAcknowledgesIt) {
    Frame frame = tcp({.source = "10.0.0.1",
                       .payload_bytes = 10,
                       .tcp_flags = kTcpFin | kTcpPsh,
                       .tcp_sequence = 100});
    frame.packet.transport =
        TransportKind::tcp;  // parse would refuse it; the answer is still right
    frame.packet.source_port = Port{40000};
    frame.packet.destination_port = Port{443};
    Batch batch;
    frame.packet.ingress = kLan;
    frame.packet.egress = kWan;
    ASSERT_TRUE(batch.admit(frame.packet, Lane::nat_outbound));
    nat_outbound_stage(*rig.states[0], batch, rig.now);
    ASSERT_EQ(batch.lane(Lane::route).size(), 1U);
    EXPECT_EQ(frame.tcp().flags, kTcpRst | kTcpAck);
    EXPECT_EQ(frame.tcp().acknowledgement, be32{111});
}

TEST_F(Tcp, N15_ResetsAreLimited) {
    int resets = 0;
    int drops = 0;
    for (int count = 0; count < 150; ++count) {
        const Exit exit = out(kTcpAck, static_cast<std::uint16_t>(5000 + count));
        resets += exit.passed() ? 1 : 0;
        drops += exit == Exit{Lane::drop, DropReason::nat_tcp_no_state} ? 1 : 0;
    }
    EXPECT_EQ(resets, 100);
    EXPECT_EQ(drops, 50);
    rig.advance(1s);
    EXPECT_TRUE(out(kTcpAck).passed());
}

TEST_F(Tcp, N15_AResetIsNeverAnswered) {
    EXPECT_EQ(out(kTcpRst), (Exit{Lane::drop, DropReason::nat_tcp_no_state}));
}

TEST_F(Tcp, BadTcp09_SegmentWithoutStateFromOutsideIsDropped) {
    EXPECT_EQ(in(kTcpAck), kNoMapping);
}

TEST(TcpLimit, FullSessionTableRefusesAndKeepsWhatIsThere) {
    NatRig rig{{.sessions = 10}};
    for (std::uint16_t port = 0; port < 11; ++port) {
        Frame frame = tcp({.source = "10.0.0.1",
                           .source_port = static_cast<std::uint16_t>(5000 + port),
                           .tcp_flags = kTcpSyn});
        const Exit exit = rig.from_inside(frame);
        if (port < 10) {
            ASSERT_TRUE(exit.passed());
        } else {
            EXPECT_EQ(exit, (Exit{Lane::icmp_error, DropReason::nat_session_table_full}));
        }
    }
    EXPECT_EQ(rig.live_mappings(), 10U);  // and no mapping without a session
    Frame answer = tcp({.source = "198.51.100.1",
                        .source_port = 443,
                        .destination = "203.0.113.9",
                        .destination_port = 5000,
                        .tcp_flags = kSynAck});
    EXPECT_TRUE(rig.from_outside(answer).passed());
}

TEST(TcpLimit, AFloodFromOutsideLeavesHalfToTheInside) {
    NatRig rig{{.sessions = 100}};
    rig.policy.tcp_filtering = Filtering::endpoint_independent;
    rig.publish();
    Frame first = tcp({.source = "10.0.0.1", .source_port = 5000, .tcp_flags = kTcpSyn});
    ASSERT_TRUE(rig.from_inside(first).passed());
    std::size_t admitted = 0;
    for (std::uint16_t port = 1; port <= 200; ++port) {
        Frame frame = tcp({.source = "192.0.2.1",
                           .source_port = port,
                           .destination = "203.0.113.9",
                           .destination_port = 5000,
                           .tcp_flags = kTcpSyn});
        const Exit exit = rig.from_outside(frame);
        admitted += exit.passed() ? 1U : 0U;
        EXPECT_TRUE(exit.passed() ||
                    exit == (Exit{Lane::drop, DropReason::nat_session_table_full}));
    }
    EXPECT_EQ(admitted, 50U);
    Frame mine = tcp({.source = "10.0.0.2", .source_port = 5000, .tcp_flags = kTcpSyn});
    EXPECT_TRUE(rig.from_inside(mine).passed());
}

TEST(TcpMss, ClampedBothWays) {  // nat-behaviour.md 14.6
    NatRig rig;
    rig.interfaces.storage[1].mtu_bytes = 1400;
    const std::vector<std::uint8_t> mss_1460 = {2, 4, 0x05, 0xB4};
    Frame syn = tcp(
        {.source = "10.0.0.1", .source_port = 5000, .tcp_flags = kTcpSyn, .tcp_options = mss_1460});
    ASSERT_TRUE(rig.from_inside(syn).passed());
    EXPECT_EQ(*header_at<be16>(syn.bytes(), syn.packet.l4 + 22U), be16{1360});
    EXPECT_TRUE(checksums_are_valid(syn));
    Frame answer = tcp({.source = "198.51.100.1",
                        .source_port = 443,
                        .destination = "203.0.113.9",
                        .destination_port = 5000,
                        .tcp_flags = kSynAck,
                        .tcp_options = mss_1460});
    ASSERT_TRUE(rig.from_outside(answer).passed());
    EXPECT_EQ(*header_at<be16>(answer.bytes(), answer.packet.l4 + 22U), be16{1360});
    EXPECT_TRUE(checksums_are_valid(answer));
}

}  // namespace
}  // namespace towpath::nat
