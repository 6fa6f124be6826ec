// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route/link_stage.h"

#include <array>

#include "dataplane/wire/checksum.h"
#include "tests/unit/route/route_fixture.h"

namespace towpath::route {
namespace {

using enum DropReason;

constexpr MacAddress kGatewayMac{{2, 0, 0, 0, 0, 0x77}};

class Link : public RouteFixture {
protected:
    Link() {
        state_ = {view_, &table_, nullptr};
        table_.confirm({kWan, builders::address("192.0.2.1")}, kGatewayMac, 1);
    }
    Lane pass(Frame& frame) {
        frame.packet.egress = kWan;
        frame.packet.next_hop = builders::address("192.0.2.1");
        batch_.clear();
        EXPECT_TRUE(batch_.admit(frame.packet, Lane::link));
        link_stage(state_, batch_, now_);
        EXPECT_TRUE(batch_.lane(Lane::link).empty());
        frame.packet = batch_[0];
        return lane_of();
    }
    // The payloads of what is transmitted, put together by their offsets; checks every header.
    std::vector<std::byte> reassemble(std::uint16_t mtu_bytes) {
        std::vector<std::byte> payload;
        for (const PacketIndex index : batch_.lane(Lane::transmit)) {
            const Packet& packet = batch_[index];
            const auto& ip = packet.header<Ipv4Header>(packet.l3);
            EXPECT_LE(packet.length - packet.l3, mtu_bytes);
            EXPECT_EQ(ip.total_length_bytes.host(), packet.length - packet.l3);
            EXPECT_TRUE(
                checksum_is_valid(packet.bytes().subspan(packet.l3, ip.header_length_bytes())));
            EXPECT_EQ(packet.header<EthernetHeader>(0).destination, kGatewayMac);
            EXPECT_EQ(ip.fragment_offset_bytes(), payload.size());
            const auto part = packet.bytes().subspan(packet.l3 + ip.header_length_bytes());
            payload.insert(payload.end(), part.begin(), part.end());
        }
        return payload;
    }

    NeighborTable table_;
    LinkState state_;
};

TEST_F(Link, WritesEthernetAndDecrementsTtl) {
    Frame frame = parsed(builders::udp({.ttl = 2}));
    ASSERT_EQ(pass(frame), Lane::transmit);
    EXPECT_EQ(frame.ethernet().destination, kGatewayMac);
    EXPECT_EQ(frame.ethernet().source, builders::kOurMac);
    EXPECT_EQ(frame.ipv4().ttl, 1);
    EXPECT_TRUE(checksum_is_valid(frame.header()));
}

TEST_F(Link, TtlOfWhatIsMadeHereStays) {
    Frame frame = parsed(builders::udp({.ttl = 64}));
    frame.packet.is_originated = true;
    ASSERT_EQ(pass(frame), Lane::transmit);
    EXPECT_EQ(frame.ipv4().ttl, 64);
}

TEST_F(Link, ChecksumFollowsForEveryTtl) {
    for (unsigned ttl = 2; ttl < 256; ++ttl) {
        Frame frame = parsed(builders::udp({.ttl = static_cast<std::uint8_t>(ttl)}));
        ASSERT_EQ(pass(frame), Lane::transmit);
        ASSERT_TRUE(checksum_is_valid(frame.header())) << ttl;
    }
}

TEST_F(Link, InterfaceThatIsDown) {
    interface(kWan).is_up = false;
    Frame frame = parsed(builders::udp());
    EXPECT_EQ(pass(frame), Lane::drop);
    EXPECT_EQ(frame.packet.verdict, port_down);
}

TEST_F(Link, OtherWorkersHandOffUnknownNextHops) {
    table_.remove({kWan, builders::address("192.0.2.1")});
    Frame frame = parsed(builders::udp({.ttl = 9}));
    EXPECT_EQ(pass(frame), Lane::hand_off);
    EXPECT_EQ(frame.packet.target_worker, 0);
    EXPECT_EQ(frame.packet.resume, Lane::link);
    EXPECT_EQ(frame.ipv4().ttl, 9);  // not yet: it comes through link again
}

TEST_F(Link, EthernetHeaderStandsInFrontOfTheIpHeaderWhereverThatIs) {
    Frame frame = parsed(builders::udp());
    frame.packet.head = static_cast<std::uint16_t>(frame.packet.head - 4);  // as if tagged
    frame.packet.length = static_cast<std::uint16_t>(frame.packet.length + 4);
    frame.packet.l3 = 18;
    frame.packet.l4 = 38;
    ASSERT_EQ(pass(frame), Lane::transmit);
    EXPECT_EQ(frame.packet.l3, 14);
    EXPECT_EQ(frame.packet.l4, 34);
    EXPECT_EQ(frame.ethernet().destination, kGatewayMac);
    EXPECT_TRUE(checksum_is_valid(frame.header()));
}

TEST_F(Link, AtTheMtuIsNotFragmented) {
    interface(kWan).mtu_bytes = 600;
    Frame frame = parsed(builders::udp({.payload_bytes = 572}));
    ASSERT_EQ(pass(frame), Lane::transmit);
    EXPECT_EQ(batch_.size(), 1U);
}

TEST_F(Link, FragmentsInOrderAndLosesNothing) {
    for (const std::uint16_t mtu_bytes : std::to_array<std::uint16_t>({68, 576, 1399, 1400})) {
        for (const std::size_t payload_bytes : {1400U, 1393U, 700U}) {
            interface(kWan).mtu_bytes = mtu_bytes;
            Frame frame = parsed(builders::udp({.payload_bytes = payload_bytes}));
            const std::vector<std::byte> sent(frame.transport().begin(), frame.transport().end());
            if (sent.size() + 20 <= mtu_bytes || (sent.size() + 47) / 48 > 17) {
                continue;  // fits, or needs more pieces than there can be spares
            }
            batch_.clear_spares();
            add_spares(kSparesMax);
            ASSERT_EQ(pass(frame), Lane::transmit);
            EXPECT_EQ(reassemble(mtu_bytes), sent) << mtu_bytes << ' ' << payload_bytes;
            const Packet& last =
                batch_[batch_.lane(Lane::transmit)[batch_.lane(Lane::transmit).size() - 1]];
            EXPECT_FALSE(last.header<Ipv4Header>(last.l3).more_fragments());
        }
    }
}

TEST_F(Link, FragmentOfAFragmentKeepsItsPlace) {
    interface(kWan).mtu_bytes = 576;
    add_spares(4);
    Frame whole = builders::udp({.payload_bytes = 3000});
    Frame middle = parsed(builders::fragment_of(whole, 800, 1200));
    ASSERT_EQ(pass(middle), Lane::transmit);
    ASSERT_EQ(batch_.lane(Lane::transmit).size(), 3U);
    std::uint32_t expected = 800;
    for (const PacketIndex index : batch_.lane(Lane::transmit)) {
        const auto& ip = batch_[index].header<Ipv4Header>(14);
        EXPECT_EQ(ip.fragment_offset_bytes(), expected);
        EXPECT_TRUE(ip.more_fragments());  // the datagram goes on after the middle piece
        expected += static_cast<std::uint32_t>(batch_[index].length - 34);
    }
    EXPECT_EQ(expected, 2000U);
}

TEST_F(Link, OnlyCopiedOptionsGoIntoLaterFragments) {
    interface(kWan).mtu_bytes = 576;
    add_spares(4);
    // Record route (not copied), then router alert (copied).
    Frame frame = parsed(builders::udp(
        {.payload_bytes = 1000, .ip_options = {7, 7, 4, 0, 0, 0, 0, 0x94, 4, 0, 0, 0}}));
    ASSERT_EQ(pass(frame), Lane::transmit);
    ASSERT_EQ(batch_.lane(Lane::transmit).size(), 2U);
    const Packet& first = batch_[batch_.lane(Lane::transmit)[0]];
    const Packet& second = batch_[batch_.lane(Lane::transmit)[1]];
    EXPECT_EQ(first.header<Ipv4Header>(14).header_length_bytes(), 32U);
    EXPECT_EQ(second.header<Ipv4Header>(14).header_length_bytes(), 24U);
    EXPECT_EQ(std::to_integer<int>(second.bytes()[34]), 0x94);
    static_cast<void>(reassemble(576));
}

TEST_F(Link, WithoutEnoughSparesNothingIsSent) {
    interface(kWan).mtu_bytes = 576;
    add_spares(1);
    Frame frame = parsed(builders::udp({.payload_bytes = 1400}));  // three pieces
    EXPECT_EQ(pass(frame), Lane::drop);
    EXPECT_EQ(frame.packet.verdict, no_buffer);
    EXPECT_EQ(batch_.spare_count(), 1U);
    EXPECT_TRUE(batch_.is_conserved());
}

// There are no neighbours behind a tunnel: allowed IPs say whom a packet is for.
TEST_F(Link, WhatLeavesByATunnelIsSealed) {
    Frame frame = parsed(builders::udp({.ttl = 9}));
    frame.packet.egress = kTunnel;
    frame.packet.next_hop = builders::address("10.99.0.2");
    batch_.clear();
    ASSERT_TRUE(batch_.admit(frame.packet, Lane::link));
    link_stage(state_, batch_, now_);
    EXPECT_EQ(lane_of(), Lane::seal);
    EXPECT_EQ(frame.ipv4().ttl, 8);
    EXPECT_TRUE(checksum_is_valid(frame.header()));
}

// decisions.md W8: in the tunnel, so that the datagrams outside are whole.
TEST_F(Link, WhatIsTooLongForATunnelIsCutBeforeItIsSealed) {
    interface(kTunnel).mtu_bytes = 1420;
    add_spares(2);
    Frame frame = parsed(builders::udp({.ttl = 9, .payload_bytes = 1472}));
    const std::vector<std::byte> sent(frame.transport().begin(), frame.transport().end());
    frame.packet.egress = kTunnel;
    batch_.clear();
    ASSERT_TRUE(batch_.admit(frame.packet, Lane::link));
    link_stage(state_, batch_, now_);
    ASSERT_EQ(batch_.lane(Lane::seal).size(), 2U);
    std::vector<std::byte> payload;
    for (const PacketIndex index : batch_.lane(Lane::seal)) {
        const Packet& packet = batch_[index];
        EXPECT_EQ(packet.egress, kTunnel);
        const auto& ip = packet.header<Ipv4Header>(packet.l3);
        EXPECT_LE(packet.length - packet.l3, 1420);
        EXPECT_EQ(ip.ttl, 8);
        EXPECT_TRUE(checksum_is_valid(packet.bytes().subspan(packet.l3, 20)));
        EXPECT_EQ(ip.fragment_offset_bytes(), payload.size());
        const auto part = packet.bytes().subspan(packet.l3 + 20U);
        payload.insert(payload.end(), part.begin(), part.end());
    }
    EXPECT_EQ(payload, sent);
}

}  // namespace
}  // namespace towpath::route
