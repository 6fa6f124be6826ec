// SPDX-License-Identifier: BSD-3-Clause
// What RFC 4787 asks of mappings, through both stages.
#include <gtest/gtest.h>

#include <set>

#include "tests/builders/nat_rig.h"

namespace towpath::nat {
namespace {

using namespace builders;
using namespace std::chrono_literals;
using Exit = NatRig::Exit;

Endpoint endpoint(std::string_view text, std::uint16_t port) {
    return {address(text), Port{port}};
}

// The reply to what an inside host sent, as the remote would address it.
Frame reply_to(Frame& sent) {
    return udp({.source = "198.51.100.1",
                .source_port = sent.packet.destination_port.number(),
                .destination = "203.0.113.9",
                .destination_port = sent.packet.source_port.number(),
                .ingress = kWan});
}

TEST(Mapping, U01_IsTheSameForEveryDestination) {
    NatRig rig;
    std::set<Endpoint> outside;
    for (const std::string_view remote : {"198.51.100.1", "198.51.100.2", "192.0.2.77"}) {
        for (const std::uint16_t port : {std::uint16_t{1}, std::uint16_t{9999}}) {
            Frame frame = udp({.source = "10.0.0.1",
                               .source_port = 5000,
                               .destination = remote,
                               .destination_port = port});
            ASSERT_TRUE(rig.from_inside(frame).passed());
            EXPECT_TRUE(checksums_are_valid(frame));
            outside.insert(source_of(frame));
        }
    }
    EXPECT_EQ(outside, std::set<Endpoint>{endpoint("203.0.113.9", 5000)});
    EXPECT_EQ(rig.live_mappings(), 1U);
}

TEST(Mapping, RepliesReachTheInsideEndpoint) {
    NatRig rig;
    Frame sent = udp({.source = "10.0.0.1", .source_port = 5000});
    ASSERT_TRUE(rig.from_inside(sent).passed());
    Frame reply = reply_to(sent);
    ASSERT_TRUE(rig.from_outside(reply).passed());
    EXPECT_EQ(destination_of(reply), endpoint("10.0.0.1", 5000));
    EXPECT_EQ(reply.ipv4().source, address("198.51.100.1").wire());
    EXPECT_EQ(reply.udp().destination_port, be16{5000});
    EXPECT_EQ(reply.packet.egress, kLan);
    EXPECT_TRUE(checksums_are_valid(reply));
}

TEST(Mapping, RecordsWhatTheSenderSent) {  // N17
    NatRig rig;
    Frame sent = udp({.source = "10.0.0.1", .source_port = 5000});
    ASSERT_TRUE(rig.from_inside(sent).passed());
    Frame reply = reply_to(sent);
    ASSERT_TRUE(rig.from_outside(reply).passed());
    EXPECT_TRUE(reply.packet.was_rewritten_inbound);
    EXPECT_EQ(reply.packet.original_destination_address, address("203.0.113.9"));
    EXPECT_EQ(reply.packet.original_destination_port, Port{5000});
    EXPECT_EQ(reply.packet.original_source_address, address("198.51.100.1"));
    EXPECT_EQ(reply.packet.original_source_port, Port{443});
}

TEST(Mapping, Vector27_1_OutboundUdp) {
    NatRig rig;
    Frame frame = ipv4({.source = "10.20.30.40",
                        .destination = "198.51.100.7",
                        .ttl = 63,
                        .identification = 0x1C46,
                        .dont_fragment = true},
                       17, 16);
    frame.udp() = {be16{41641}, be16{3478}, be16{16}, be16{}};
    std::memcpy(frame.transport().data() + 8, "NAT-TEST", 8);
    frame.seal_transport();
    ASSERT_EQ(frame.udp().checksum, be16{0xB30F});
    // The vector's outside port: taken by itself, so that preservation finds it.
    Frame other = udp({.source = "10.20.30.40", .source_port = 50002});
    ASSERT_TRUE(rig.from_inside(other).passed());
    ASSERT_TRUE(rig.from_inside(frame).passed());
    EXPECT_EQ(source_of(frame), endpoint("203.0.113.9", 41641));
    EXPECT_TRUE(checksums_are_valid(frame));
    EXPECT_EQ(frame.ipv4().checksum, be16{0xB93E});
}

TEST(Mapping, UdpChecksumZeroStaysZero) {  // CK-02
    NatRig rig;
    Frame frame = udp({.source = "10.0.0.1"});
    frame.udp().checksum = be16{};
    ASSERT_TRUE(rig.from_inside(frame).passed());
    EXPECT_EQ(frame.udp().checksum, be16{});
}

TEST(Mapping, WrongTransportChecksumStaysWrong) {  // CK-10
    NatRig rig;
    Frame frame = tcp({.source = "10.0.0.1", .tcp_flags = kTcpSyn});
    frame.tcp().checksum = be16{static_cast<std::uint16_t>(frame.tcp().checksum.host() ^ 0x0101U)};
    ASSERT_TRUE(rig.from_inside(frame).passed());
    EXPECT_FALSE(checksums_are_valid(frame));
    EXPECT_TRUE(checksum_is_valid(frame.header()));
}

TEST(Mapping, U03_DifferentEndpointsNeverShareAPort) {
    NatRig rig;
    Frame first = udp({.source = "10.0.0.1", .source_port = 5000, .destination = "198.51.100.1"});
    Frame second = udp({.source = "10.0.0.2", .source_port = 5000, .destination = "192.0.2.1"});
    ASSERT_TRUE(rig.from_inside(first).passed());
    ASSERT_TRUE(rig.from_inside(second).passed());
    EXPECT_EQ(source_of(first), endpoint("203.0.113.9", 5000));
    EXPECT_NE(source_of(second).port, Port{5000});
    EXPECT_EQ(source_of(second).port.number() % 2, 0);  // U-04
}

TEST(Mapping, M05_ProtocolsAreApart) {
    NatRig rig;
    Frame datagram = udp({.source = "10.0.0.1", .source_port = 5000});
    Frame segment = tcp({.source = "10.0.0.2", .source_port = 5000, .tcp_flags = kTcpSyn});
    ASSERT_TRUE(rig.from_inside(datagram).passed());
    ASSERT_TRUE(rig.from_inside(segment).passed());
    EXPECT_EQ(source_of(segment).port, Port{5000});
}

TEST(Mapping, U02_OneInsideAddressLeavesFromOneOutsideAddress) {
    NatRig rig{{.pool = {"203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4", "203.0.113.5",
                         "203.0.113.6", "203.0.113.7", "203.0.113.8"}}};
    std::set<Ipv4Address> all;
    for (const std::string_view inside : {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4",
                                          "10.0.0.5", "10.0.0.6", "10.0.0.7", "10.0.0.8"}) {
        std::set<Ipv4Address> used;
        for (std::uint16_t port = 2000; port < 2050; ++port) {
            Frame datagram = udp({.source = inside, .source_port = port});
            Frame segment = tcp({.source = inside, .source_port = port, .tcp_flags = kTcpSyn});
            Frame echo = icmp_echo({.source = inside, .source_port = port});
            for (Frame* frame : {&datagram, &segment, &echo}) {
                ASSERT_TRUE(rig.from_inside(*frame).passed());
                used.insert(source_of(*frame).address);
            }
        }
        EXPECT_EQ(used.size(), 1U) << inside;
        all.merge(used);
    }
    EXPECT_GT(all.size(), 1U);
}

TEST(Mapping, U05_LivesThroughTheFloorAndEndsAfterTheDefault) {
    NatRig rig;
    Frame sent = udp({.source = "10.0.0.1", .source_port = 5000});
    ASSERT_TRUE(rig.from_inside(sent).passed());
    rig.advance(119900ms);
    Frame reply = reply_to(sent);
    EXPECT_TRUE(rig.from_outside(reply).passed());  // nothing had come back: the 120 s timer
    rig.advance(299000ms - 119900ms);               // now 299 s since the last outbound packet
    Frame late = reply_to(sent);
    EXPECT_TRUE(rig.from_outside(late).passed());
    rig.advance(2s);
    Frame too_late = reply_to(sent);
    EXPECT_EQ(rig.from_outside(too_late), (Exit{Lane::drop, DropReason::inbound_no_mapping}));
}

TEST(Mapping, U05_WithoutAReplyItEndsAfterTheShortTimer) {
    NatRig rig;
    Frame sent = udp({.source = "10.0.0.1", .source_port = 5000});
    ASSERT_TRUE(rig.from_inside(sent).passed());
    rig.advance(122s);
    Frame reply = reply_to(sent);
    EXPECT_EQ(rig.from_outside(reply).reason, DropReason::inbound_no_mapping);
}

TEST(Mapping, U06_OutboundRefreshesInboundDoesNot) {
    NatRig rig;
    for (int round = 0; round < 18; ++round) {  // an hour
        Frame sent = udp({.source = "10.0.0.1", .source_port = 5000});
        ASSERT_TRUE(rig.from_inside(sent).passed());
        Frame reply = reply_to(sent);
        ASSERT_TRUE(rig.from_outside(reply).passed());
        rig.advance(200s);
    }
    EXPECT_EQ(rig.states[0]->counters().mappings_created[1].value(), 1U);
    Frame probe = udp({.destination = "203.0.113.9", .destination_port = 5000, .ingress = kWan});
    ASSERT_TRUE(rig.from_outside(probe).passed());
    rig.advance(102s);
    EXPECT_EQ(rig.live_mappings(), 0U);
}

TEST(Mapping, U06a_InboundRefreshIsSelectable) {
    NatRig rig;
    rig.policy.udp_inbound_refresh = true;
    rig.publish();
    Frame sent = udp({.source = "10.0.0.1", .source_port = 5000});
    ASSERT_TRUE(rig.from_inside(sent).passed());
    for (int round = 0; round < 10; ++round) {
        rig.advance(100s);
        Frame reply = reply_to(sent);
        ASSERT_TRUE(rig.from_outside(reply).passed());
    }
}

TEST(Mapping, C08_PortRestsButItsOwnEndpointMayHaveItBack) {
    NatRig rig;
    Frame sent = udp({.source = "10.0.0.1", .source_port = 5000});
    ASSERT_TRUE(rig.from_inside(sent).passed());
    rig.advance(125s);
    ASSERT_EQ(rig.live_mappings(), 0U);
    ASSERT_TRUE(rig.lookup(Protocol::udp, "10.0.0.1", 5000)->is_held);
    Frame other = udp({.source = "10.0.0.2", .source_port = 5000});
    ASSERT_TRUE(rig.from_inside(other).passed());
    EXPECT_NE(source_of(other).port, Port{5000});
    Frame again = udp({.source = "10.0.0.1", .source_port = 5000});
    ASSERT_TRUE(rig.from_inside(again).passed());
    EXPECT_EQ(source_of(again).port, Port{5000});
    EXPECT_EQ(rig.states[0]->counters().holds_taken_back.value(), 1U);
}

TEST(Mapping, C08_PortIsFreeAfterItsRest) {
    NatRig rig;
    Frame sent = udp({.source = "10.0.0.1", .source_port = 5000});
    ASSERT_TRUE(rig.from_inside(sent).passed());
    rig.advance(122s);
    rig.advance(119s);
    Frame early = udp({.source = "10.0.0.2", .source_port = 5000});
    ASSERT_TRUE(rig.from_inside(early).passed());
    EXPECT_NE(source_of(early).port, Port{5000});
    rig.advance(3s);
    Frame later = udp({.source = "10.0.0.3", .source_port = 5000});
    ASSERT_TRUE(rig.from_inside(later).passed());
    EXPECT_EQ(source_of(later).port, Port{5000});
}

TEST(Mapping, C11d_FullTableRefusesAndKeepsEveryLiveMapping) {
    NatRig rig{{.mappings = 100}};
    for (std::uint16_t port = 0; port < 100; ++port) {  // at the limit
        Frame frame =
            udp({.source = "10.0.0.1", .source_port = static_cast<std::uint16_t>(3000 + port)});
        ASSERT_TRUE(rig.from_inside(frame).passed());
    }
    for (std::uint16_t port = 0; port < 1000; ++port) {  // and past it
        Frame frame =
            udp({.source = "10.0.0.1", .source_port = static_cast<std::uint16_t>(4000 + port)});
        const Exit exit = rig.from_inside(frame);
        ASSERT_EQ(exit, (Exit{Lane::icmp_error, DropReason::nat_mapping_table_full}));
        EXPECT_EQ(frame.packet.icmp_type, 3);
        EXPECT_EQ(frame.packet.icmp_code, 1);
    }
    for (std::uint16_t port = 0; port < 100; ++port) {
        Frame probe = udp({.destination = "203.0.113.9",
                           .destination_port = static_cast<std::uint16_t>(3000 + port)});
        EXPECT_TRUE(rig.from_outside(probe).passed());
    }
}

// nat-behaviour.md 2, decision 1: what the operator chose, for whatever is short.
TEST(Mapping, ExhaustionSaysWhatTheOperatorChose) {
    struct Case {
        ExhaustionIcmp answer;
        Lane lane;
        std::uint8_t icmp_code;
    };
    for (const Case& chosen : {Case{ExhaustionIcmp::host_unreachable, Lane::icmp_error, 1},
                               Case{ExhaustionIcmp::admin_prohibited, Lane::icmp_error, 13},
                               Case{ExhaustionIcmp::silent, Lane::drop, 0}}) {
        NatRig rig{{.mappings = 1, .sessions = 1}};
        rig.policy.exhaustion_icmp = chosen.answer;
        rig.publish();
        Frame first = tcp({.source = "10.0.0.1", .source_port = 3000, .tcp_flags = kTcpSyn});
        ASSERT_TRUE(rig.from_inside(first).passed());
        Frame table = udp({.source = "10.0.0.1", .source_port = 3001});
        EXPECT_EQ(rig.from_inside(table), (Exit{chosen.lane, DropReason::nat_mapping_table_full}));
        EXPECT_EQ(table.packet.icmp_code, chosen.icmp_code);
        Frame session = tcp({.source = "10.0.0.1",
                             .source_port = 3000,
                             .destination = "198.51.100.2",
                             .tcp_flags = kTcpSyn});
        EXPECT_EQ(rig.from_inside(session),
                  (Exit{chosen.lane, DropReason::nat_session_table_full}));
        EXPECT_EQ(session.packet.icmp_code, chosen.icmp_code);
        EXPECT_EQ(session.packet.icmp_type, chosen.lane == Lane::drop ? 0 : 3);
    }
}

TEST(Mapping, C11a_ExhaustedPortsAreRefused) {
    NatRig rig;
    rig.policy.port_first = 2000;
    rig.policy.port_last = 2009;
    rig.policy.reserved_ports.set(2004);
    rig.publish();
    std::set<Port> ports;
    for (std::uint16_t port = 0; port < 9; ++port) {
        Frame frame =
            udp({.source = "10.0.0.1", .source_port = static_cast<std::uint16_t>(3000 + port)});
        ASSERT_TRUE(rig.from_inside(frame).passed());
        ports.insert(source_of(frame).port);
    }
    EXPECT_EQ(ports.size(), 9U);
    EXPECT_EQ(*ports.begin(), Port{2000});
    EXPECT_EQ(*ports.rbegin(), Port{2009});
    EXPECT_FALSE(ports.contains(Port{2004}));
    Frame one_more = udp({.source = "10.0.0.2", .source_port = 3100});
    EXPECT_EQ(rig.from_inside(one_more), (Exit{Lane::icmp_error, DropReason::nat_port_exhausted}));
    // Inbound answers to the mappings that are there go on (U-11).
    Frame probe = udp({.destination = "203.0.113.9", .destination_port = 2000});
    EXPECT_TRUE(rig.from_outside(probe).passed());
    EXPECT_EQ(rig.tables->port_usage(address("203.0.113.9"), Protocol::udp).used, 9U);
}

TEST(Mapping, ReleasesTheOldestRestWhenEntriesRunShort) {
    NatRig rig{{.mappings = 1000}};
    rig.policy.timeouts.udp_unreplied = 1s;
    rig.publish();
    for (int round = 0; round < 20; ++round) {
        for (std::uint16_t port = 0; port < 200; ++port) {
            Frame frame =
                udp({.source = "10.0.0.1",
                     .source_port = static_cast<std::uint16_t>(2000 + round * 200 + port)});
            ASSERT_TRUE(rig.from_inside(frame).passed()) << round << " " << port;
        }
        rig.advance(3s);
    }
    EXPECT_GT(rig.states[0]->counters().holds_released_early.value(), 0U);
}

TEST(Mapping, OnlyInsideToOutsideIsTranslated) {  // N18
    NatRig rig;
    Frame inside = udp({.source = "10.0.0.1", .destination = "10.0.0.2"});
    ASSERT_TRUE(rig.from_inside(inside).passed());
    EXPECT_EQ(source_of(inside).address, address("10.0.0.1"));
    Frame outside = udp({.source = "192.0.2.1", .destination = "198.51.100.1"});
    ASSERT_TRUE(rig.from_outside(outside).passed());
    EXPECT_EQ(source_of(outside).address, address("192.0.2.1"));
    EXPECT_EQ(rig.live_mappings(), 0U);
}

TEST(Mapping, DisabledPolicyTranslatesNothing) {
    NatRig rig;
    rig.policy.is_enabled = false;
    Frame frame = udp({.source = "10.0.0.1"});
    ASSERT_TRUE(rig.from_inside(frame).passed());
    EXPECT_EQ(source_of(frame).address, address("10.0.0.1"));
}

TEST(Mapping, UnknownTransportIsRefused) {
    NatRig rig;
    Batch batch;
    Frame frame = udp({.source = "10.0.0.1", .ingress = kLan});
    frame.packet.egress = kWan;
    ASSERT_TRUE(batch.admit(frame.packet, Lane::nat_outbound));
    nat_outbound_stage(*rig.states[0], batch, rig.now);
    EXPECT_EQ(batch[0].verdict, DropReason::protocol_unsupported);
}

TEST(Mapping, PoolAddressThatGoesEndsItsMappings) {
    NatRig rig;
    Frame datagram = udp({.source = "10.0.0.1", .source_port = 5000});
    Frame segment = tcp({.source = "10.0.0.1", .source_port = 5000, .tcp_flags = kTcpSyn});
    ASSERT_TRUE(rig.from_inside(datagram).passed());
    ASSERT_TRUE(rig.from_inside(segment).passed());
    rig.rebind({"203.0.113.20"});
    rig.expire(20);
    EXPECT_EQ(rig.live_mappings(), 0U);
    Frame again = udp({.source = "10.0.0.1", .source_port = 5000});
    ASSERT_TRUE(rig.from_inside(again).passed());
    EXPECT_EQ(source_of(again), endpoint("203.0.113.20", 5000));
    EXPECT_EQ(rig.tables->port_usage(address("203.0.113.9"), Protocol::tcp).used, 0U);
}

TEST(Mapping, ReloadLeavesMappingsOnAddressesThatStay) {
    NatRig rig;
    Frame sent = udp({.source = "10.0.0.1", .source_port = 5000});
    ASSERT_TRUE(rig.from_inside(sent).passed());
    rig.rebind({"203.0.113.20", "203.0.113.9"});
    rig.expire();
    Frame again = udp({.source = "10.0.0.1", .source_port = 5000});
    ASSERT_TRUE(rig.from_inside(again).passed());
    EXPECT_EQ(source_of(again), endpoint("203.0.113.9", 5000));
}

TEST(Mapping, U05b_ChangedTimeoutsReachLiveMappings) {
    NatRig rig;
    Frame sent = udp({.source = "10.0.0.1", .source_port = 5000});
    ASSERT_TRUE(rig.from_inside(sent).passed());
    rig.policy.timeouts.udp_unreplied = 500s;
    rig.publish();
    rig.advance(400s);
    Frame reply = reply_to(sent);
    EXPECT_TRUE(rig.from_outside(reply).passed());
}

}  // namespace
}  // namespace towpath::nat
