// SPDX-License-Identifier: BSD-3-Clause
// What parse learns from good packets, and where it sends them. Bad ones: bad_input_test.cc.
#include "dataplane/parse/parse_stage.h"

#include "tests/unit/parse/parse_one.h"

namespace towpath::parse {
namespace {

using builders::Frame;
using enum DropReason;

TEST(Parse, ReadsOffsetsPortsAndProtocolOfUdp) {
    Frame frame = builders::udp({.source_port = 5000, .destination_port = 53});
    ASSERT_EQ(parse_one(frame), Lane::classify);
    EXPECT_EQ(frame.packet.l3, 14);
    EXPECT_EQ(frame.packet.l4, 34);
    EXPECT_EQ(frame.packet.ip_protocol, 17);
    EXPECT_EQ(frame.packet.transport, TransportKind::udp);
    EXPECT_EQ(frame.packet.source_port, Port{std::uint16_t{5000}});
    EXPECT_EQ(frame.packet.destination_port, Port{std::uint16_t{53}});
}

TEST(Parse, LocatesTransportBehindOptions) {
    Frame frame = builders::tcp({.source_port = 7, .ip_options = {0x94, 4, 0, 0}});
    ASSERT_EQ(parse_one(frame), Lane::classify);
    EXPECT_EQ(frame.packet.l4, 38);
    EXPECT_EQ(frame.packet.source_port, Port{std::uint16_t{7}});
}

TEST(Parse, QueryHasItsIdentifierInBothPorts) {
    Frame frame = builders::icmp_echo({.source_port = 77});
    ASSERT_EQ(parse_one(frame), Lane::classify);
    EXPECT_EQ(frame.packet.transport, TransportKind::icmp_query);
    EXPECT_EQ(frame.packet.source_port, Port{std::uint16_t{77}});
    EXPECT_EQ(frame.packet.destination_port, Port{std::uint16_t{77}});
}

TEST(Parse, TrimsLinkPadding_BadL2_08) {
    Frame frame = builders::udp({.payload_bytes = 1});
    const std::uint16_t length = frame.packet.length;
    frame.packet.length = 60;
    ASSERT_EQ(parse_one(frame), Lane::classify);
    EXPECT_EQ(frame.packet.length, length);
}

TEST(Parse, OtherProtocolsGoOnWithoutPorts) {
    Frame frame = builders::ipv4({}, 47, 40);
    ASSERT_EQ(parse_one(frame), Lane::classify);
    EXPECT_EQ(frame.packet.transport, TransportKind::unknown);
    EXPECT_EQ(frame.packet.source_port, Port{});
}

TEST(Parse, FragmentsGoToTheirStageBeforeAnyTransportCheck) {
    Frame whole = builders::udp({.payload_bytes = 2000});
    Frame later = builders::fragment_of(whole, 800, 800);
    EXPECT_EQ(parse_one(later), Lane::fragment);
    Frame first = builders::fragment_of(whole, 0, 800);
    EXPECT_EQ(parse_one(first), Lane::fragment);
}

TEST(Parse, ArpGoesToItsStage) {
    Frame frame = builders::arp();
    EXPECT_EQ(parse_one(frame), Lane::arp);
}

TEST(Parse, LimitedBroadcastIsLeftToClassify) {
    Frame frame = builders::udp({.source = "192.0.2.1",
                                 .destination = "255.255.255.255",
                                 .ingress = InterfaceId{1},
                                 .destination_mac = builders::kBroadcastMac});
    EXPECT_EQ(parse_one(frame), Lane::classify);
}

TEST(Parse, HostMaySendWhatStrangersMayNot) {
    // DHCP (RFC 2131): from nobody to everybody, from our own MAC.
    Frame frame = builders::udp({.source = "0.0.0.0",
                                 .source_port = 68,
                                 .destination = "255.255.255.255",
                                 .destination_port = 67,
                                 .source_mac = builders::kOurMac,
                                 .destination_mac = builders::kBroadcastMac});
    frame.packet.from_host = true;
    ASSERT_EQ(parse_one(frame), Lane::classify);
    EXPECT_EQ(frame.packet.source_port, Port{std::uint16_t{68}});
    EXPECT_EQ(frame.packet.transport, TransportKind::udp);
}

TEST(Parse, HostIsHeldToLengths) {
    Frame frame = builders::udp();
    frame.packet.from_host = true;
    frame.packet.length = 30;
    EXPECT_EQ(parse_one(frame), Lane::drop);
    EXPECT_EQ(frame.packet.verdict, frame_truncated);
}

TEST(Parse, TcpFlagsThatSendersUseGoOn) {
    for (const std::uint8_t flags :
         {kTcpSyn, std::uint8_t{kTcpSyn | kTcpAck}, kTcpAck, kTcpRst,
          std::uint8_t{kTcpRst | kTcpAck}, std::uint8_t{kTcpFin | kTcpAck},
          std::uint8_t{kTcpPsh | kTcpAck | kTcpUrg}}) {
        Frame frame = builders::tcp({.tcp_flags = flags});
        EXPECT_EQ(parse_one(frame), Lane::classify) << int{flags};
    }
}

TEST(Parse, EmptyLaneIsANoOp) {
    const InterfaceTable interfaces = two_interfaces();
    State state{&interfaces};
    Batch batch;
    parse_stage(state, batch, Now{});
    EXPECT_EQ(batch.size(), 0U);
}

// Cutting a good packet anywhere never yields anything but a named drop.
TEST(Parse, EveryTruncationIsDropped) {
    for (std::uint16_t length = 0; length < 58; ++length) {
        Frame frame = builders::udp();
        frame.packet.length = length;
        EXPECT_EQ(parse_one(frame), Lane::drop) << length;
        EXPECT_NE(frame.packet.verdict, none) << length;
    }
}

}  // namespace
}  // namespace towpath::parse
