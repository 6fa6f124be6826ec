// SPDX-License-Identifier: BSD-3-Clause
// Packets that one box seals and another opens.
#include <map>

#include "tests/unit/wireguard/tunnel_fixture.h"

namespace towpath::wireguard {
namespace {

class TransportTest : public TunnelTest {};

TEST_F(TransportTest, CarriesIpv4OverIpv4) {
    connect();
    Frame frame = inner("10.99.1.5", "10.99.2.5", 100);
    const std::vector<std::byte> before = inner_bytes(frame);
    ASSERT_EQ(near.seal(frame, now), (Exit{Lane::underlay, DropReason::none}));
    // What the underlay gets.
    EXPECT_EQ(frame.packet.l3, 14);
    EXPECT_EQ(frame.packet.l4, 34);
    EXPECT_EQ(frame.packet.ingress, kTunnel);
    EXPECT_EQ(frame.packet.egress, kNoInterface);
    EXPECT_TRUE(frame.packet.is_originated);
    EXPECT_TRUE(checksum_is_valid(frame.header()));
    EXPECT_EQ(frame.ipv4().total_length_bytes.host(), frame.packet.length - 14);
    EXPECT_FALSE(frame.ipv4().dont_fragment());
    EXPECT_EQ(frame.ipv4().protocol, 17);
    EXPECT_EQ(Ipv4Address{frame.ipv4().destination}, builders::address("198.51.100.1"));
    EXPECT_EQ(Port{frame.udp().destination_port}, kListenPort);
    EXPECT_EQ(Port{frame.udp().source_port}, kListenPort);
    EXPECT_EQ(frame.udp().length_bytes.host(), frame.packet.length - 34);
    EXPECT_EQ(frame.udp().checksum.raw(), 0);
    // 128 inner bytes are padded to 128.
    EXPECT_EQ(frame.packet.length, 34 + 8 + 16 + 128 + 16);
    travel(frame);
    ASSERT_EQ(far.open(frame, now), (Exit{Lane::parse, DropReason::none}));
    EXPECT_EQ(inner_bytes(frame), before);
    EXPECT_EQ(frame.packet.ingress, kTunnel);
    EXPECT_EQ(frame.packet.l3, 0);  // parse begins anew
    EXPECT_FALSE(frame.packet.is_originated);
    EXPECT_EQ(frame.ethernet().destination, kTunnelMac);
    EXPECT_NE(frame.ethernet().source, kTunnelMac);
    EXPECT_FALSE(frame.ethernet().source.is_group());
    EXPECT_EQ(frame.ethernet().ether_type.host(), kEtherTypeIpv4);
}

TEST_F(TransportTest, CarriesIpv6OverIpv6WithAFullUdpChecksum) {
    connect();
    ASSERT_TRUE(
        near.tables->apply_configured_endpoint(kPeer, endpoint("[2001:db8:f::2]:5555"), 2, now));
    ASSERT_TRUE(near.tables->offer_endpoint(kPeer, endpoint("[2001:db8:f::2]:5555"),
                                            ip("2001:db8:f::1"), now));
    for (const std::size_t payload_bytes : {0U, 1U, 32U, 777U, 1300U}) {
        Frame frame = inner_ipv6("2001:db8:1::5", "2001:db8:2::5", payload_bytes);
        const std::vector<std::byte> before = inner_bytes(frame);
        ASSERT_EQ(near.seal(frame, now), (Exit{Lane::underlay, DropReason::none}));
        const auto& outer = frame.packet.header<Ipv6Header>(frame.packet.l3);
        EXPECT_EQ(outer.version(), 6);
        EXPECT_EQ(outer.source, ip("2001:db8:f::1").ipv6());
        EXPECT_EQ(outer.destination, ip("2001:db8:f::2").ipv6());
        EXPECT_EQ(outer.payload_length_bytes.host(), frame.packet.length - 54);
        EXPECT_NE(frame.udp().checksum.raw(), 0);
        EXPECT_TRUE(checksum_is_valid(
            frame.transport(),
            pseudo_header_sum(outer.source, outer.destination, 17,
                              static_cast<std::uint32_t>(frame.transport().size()))));
        frame.packet.destination_port = kListenPort;  // as it is at the far side's NAT
        travel(frame, "[2001:db8:f::1]:51820");
        ASSERT_EQ(far.open(frame, now), (Exit{Lane::parse, DropReason::none}));
        EXPECT_EQ(inner_bytes(frame), before);
        EXPECT_EQ(frame.ethernet().ether_type.host(), kEtherTypeIpv6);
    }
    // A change of family is an ordinary move (wireguard.md section 14).
    EXPECT_EQ(far.peer().endpoint.read().remote, endpoint("[2001:db8:f::1]:51820"));
    EXPECT_EQ(far.peer().endpoint.read().local, ip("2001:db8:f::2"));
}

TEST_F(TransportTest, PadsToSixteenButNotBeyondTheMtu) {
    // wireguard.md section 10.1.
    EXPECT_EQ(padding_bytes(0, 1420), 0U);
    EXPECT_EQ(padding_bytes(84, 1420), 12U);
    EXPECT_EQ(padding_bytes(1410, 1420), 10U);
    EXPECT_EQ(padding_bytes(1420, 1420), 0U);
    EXPECT_EQ(padding_bytes(1297, 1299), 2U);
    EXPECT_EQ(padding_bytes(1501, 1420), 15U);
    EXPECT_EQ(padding_bytes(20, 0), 12U);
}

TEST_F(TransportTest, CountsUdpPayloadInBothDirections) {
    connect(1, false);
    Frame frame = sealed(inner("10.99.1.5", "10.99.2.5", 100));  // 128 bytes + 32
    EXPECT_EQ(near.peer().sent_bytes.load(), 160U);
    EXPECT_EQ(far.peer().received_bytes.load(), 0U);
    ASSERT_EQ(far.open(frame, now).lane, Lane::parse);
    EXPECT_EQ(far.peer().received_bytes.load(), 160U);
}

TEST_F(TransportTest, CopiesEcnOutwardsAndNoDscp) {
    connect();
    EXPECT_EQ(sealed(inner("10.99.1.5", "10.99.2.5", 16, 0xB8 | 2)).ipv4().dscp_and_ecn, 2);
    EXPECT_EQ(sealed(inner("10.99.1.5", "10.99.2.5", 16, 3)).ipv4().dscp_and_ecn, 3);
    EXPECT_EQ(sealed(inner_ipv6("2001:db8:1::5", "2001:db8:2::5", 16, 0x29)).ipv4().dscp_and_ecn,
              1);
}

// RFC 6040 section 4.2, without the drop of not-ECT under CE.
TEST_F(TransportTest, CombinesEcnInwards) {
    connect();
    struct Row {
        std::uint8_t inner, outer, expected;
    };
    for (const Row& row : {Row{0, 3, 0}, Row{2, 3, 3}, Row{1, 3, 3}, Row{2, 1, 1}, Row{1, 2, 1},
                           Row{2, 0, 2}, Row{3, 0, 3}, Row{0, 1, 0}}) {
        Frame frame = sealed(inner("10.99.1.5", "10.99.2.5", 16, 0xB8 | row.inner));
        frame.ipv4().dscp_and_ecn = row.outer;
        ASSERT_EQ(far.open(frame, now).lane, Lane::parse);
        frame.packet.l3 = kFront_bytes;
        EXPECT_EQ(frame.ipv4().dscp_and_ecn, 0xB8 | row.expected) << +row.inner << +row.outer;
        EXPECT_TRUE(checksum_is_valid(frame.header()));

        Frame six = sealed(inner_ipv6("2001:db8:1::5", "2001:db8:2::5", 16, row.inner));
        six.ipv4().dscp_and_ecn = row.outer;
        ASSERT_EQ(far.open(six, now).lane, Lane::parse);
        EXPECT_EQ(six.packet.header<Ipv6Header>(kFront_bytes).traffic_class(), row.expected);
    }
}

// decisions.md W2: numbers of one burst follow each other, in the order of packets, per session.
TEST_F(TransportTest, NumbersAMixedBurstPerSession) {
    near.add_peer(1, {"10.99.3.0/24"}, "203.0.113.3:51820");
    connect(1, false);
    ASSERT_EQ(install(near, 5, true, 0, 1), InstallResult::installed);
    std::vector<Frame> frames;
    near.batch.clear();
    for (int packet = 0; packet < 100; ++packet) {
        frames.push_back(inner("10.99.1.5", packet % 3 == 0 ? "10.99.3.5" : "10.99.2.5"));
        ASSERT_TRUE(near.batch.admit(frames.back().packet, Lane::seal));
    }
    seal_stage(*near.states[0], near.batch, now);
    ASSERT_EQ(near.batch.lane(Lane::underlay).size(), 100U);
    std::map<std::uint32_t, std::uint64_t> next;
    for (const PacketIndex index : near.batch.lane(Lane::underlay)) {
        const Packet& packet = near.batch[index];
        const auto& header = packet.header<TransportHeader>(packet.l4 + sizeof(UdpHeader));
        EXPECT_EQ(header.counter.host(), next[header.receiver_index.host()]++);
    }
    EXPECT_EQ(next[index_of(1)], 66U);
    EXPECT_EQ(next[index_of(5)], 34U);
}

TEST_F(TransportTest, OpensABurstOfManySizesInOrder) {
    connect();
    std::vector<Frame> frames;
    std::vector<std::vector<std::byte>> before;
    far.batch.clear();
    for (std::size_t packet = 0; packet < 100; ++packet) {
        frames.push_back(inner("10.99.1.5", "10.99.2.5", packet * 13));
        before.push_back(inner_bytes(frames.back()));
        frames.back() = sealed(std::move(frames.back()));
        ASSERT_TRUE(far.batch.admit(frames.back().packet, Lane::open));
    }
    open_stage(*far.states[0], far.batch, now);
    ASSERT_EQ(far.batch.lane(Lane::parse).size(), 100U);
    for (std::size_t packet = 0; packet < 100; ++packet) {
        const PacketIndex index = far.batch.lane(Lane::parse)[packet];
        EXPECT_EQ(index, packet);
        const auto bytes = far.batch[index].bytes().subspan(kFront_bytes);
        EXPECT_TRUE(
            std::equal(bytes.begin(), bytes.end(), before[packet].begin(), before[packet].end()));
    }
}

}  // namespace
}  // namespace towpath::wireguard
