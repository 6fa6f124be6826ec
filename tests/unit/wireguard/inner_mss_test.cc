// SPDX-License-Identifier: BSD-3-Clause
// SYNs of untranslated connections through a tunnel (decisions.md W8).
#include "dataplane/wireguard/inner_mss.h"

#include "tests/unit/wireguard/tunnel_fixture.h"

namespace towpath::wireguard {
namespace {

constexpr std::size_t kIpv6Mss = kFront_bytes + 40 + 22;  // where inner_ipv6_syn has its option

class InnerMssTest : public TunnelTest {
protected:
    static Frame inner_syn(std::string_view source, std::string_view destination,
                           std::uint16_t mss_bytes, std::uint8_t flags = kTcpSyn,
                           std::vector<std::uint8_t> ip_options = {}) {
        Frame frame =
            builders::tcp({.source = source,
                           .destination = destination,
                           .payload_bytes = 0,
                           .ip_options = std::move(ip_options),
                           .tcp_flags = flags,
                           .tcp_options = {2, 4, static_cast<std::uint8_t>(mss_bytes >> 8U),
                                           static_cast<std::uint8_t>(mss_bytes & 0xFFU)}});
        frame.packet.egress = kTunnel;
        return frame;
    }
    static Frame inner_ipv6_syn(std::uint16_t mss_bytes) {
        Frame frame = inner_ipv6("2001:db8:1::5", "2001:db8:2::5", 24);
        auto& ip = frame.packet.header<Ipv6Header>(kFront_bytes);
        ip.next_header = 6;
        const std::span<std::byte> segment = frame.bytes().subspan(kFront_bytes + 40);
        auto& tcp = *header_at<TcpHeader>(segment, 0);
        tcp = {};
        tcp.data_offset_and_reserved = 0x60;
        tcp.flags = kTcpSyn;
        segment[20] = std::byte{2};
        segment[21] = std::byte{4};
        *header_at<be16>(segment, 22) = be16{mss_bytes};
        tcp.checksum = full_checksum(segment, pseudo_header_sum(ip.source, ip.destination, 6, 24));
        return frame;
    }
    // What a packet with this MSS says at the other end, sealed by near and opened by far.
    std::uint16_t mss_after_travel(Frame frame, std::size_t offset) {
        frame = sealed(std::move(frame));
        EXPECT_EQ(far.open(frame, now), (Exit{Lane::parse, DropReason::none}));
        return header_at<be16>(frame.bytes(), offset)->host();
    }
    static void set_mtu(Box& box, std::uint16_t mtu_bytes) {
        box.interfaces.storage[static_cast<std::size_t>(kTunnel)].mtu_bytes = mtu_bytes;
    }
    // The way to the box's peer, over IPv6.
    void set_path_mtu(Box& box, std::uint16_t mtu_bytes) {
        EXPECT_TRUE(box.peer().endpoint.update([&](PeerEndpoint& endpoint) {
            endpoint.path_mtu_bytes = mtu_bytes;
            endpoint.path_mtu_told = now;
            return true;
        }));
        box.peer().set(Peer::kPathMtuTold);
    }
    static constexpr std::size_t kMss = kFront_bytes + 20 + 22;
};

TEST_F(InnerMssTest, SynIntoATunnelFitsIt) {
    connect();
    set_mtu(far, 9000);
    EXPECT_EQ(mss_after_travel(inner_syn("10.99.1.5", "10.99.2.5", 1460), kMss), 1380);
    EXPECT_EQ(mss_after_travel(inner_ipv6_syn(1440), kIpv6Mss), 1360);
}

TEST_F(InnerMssTest, SynOutOfATunnelFitsIt) {
    connect();
    set_mtu(near, 9000);
    set_mtu(far, 1300);
    EXPECT_EQ(mss_after_travel(inner_syn("10.99.1.5", "10.99.2.5", 1460), kMss), 1260);
    EXPECT_EQ(mss_after_travel(inner_ipv6_syn(1440), kIpv6Mss), 1240);
}

// 80 bytes of a path MTU are the tunnel's (path_mtu.h).
TEST_F(InnerMssTest, SynFitsThePeersNarrowWay) {
    connect();
    set_mtu(far, 9000);
    set_path_mtu(near, 1400);
    EXPECT_EQ(mss_after_travel(inner_syn("10.99.1.5", "10.99.2.5", 1460), kMss), 1280);
    EXPECT_EQ(mss_after_travel(inner_ipv6_syn(1440), kIpv6Mss), 1260);
}

TEST_F(InnerMssTest, SynFromAPeerBehindANarrowWayFitsIt) {
    connect();
    set_mtu(near, 9000);
    set_path_mtu(far, 1400);
    EXPECT_EQ(mss_after_travel(inner_syn("10.99.1.5", "10.99.2.5", 1460), kMss), 1280);
    EXPECT_EQ(mss_after_travel(inner_ipv6_syn(1440), kIpv6Mss), 1260);
}

TEST_F(InnerMssTest, AnswersAreSynsToo) {
    connect();
    EXPECT_EQ(mss_after_travel(inner_syn("10.99.1.5", "10.99.2.5", 1460, kTcpSyn | kTcpAck), kMss),
              1380);
}

TEST_F(InnerMssTest, WhatFitsAndWhatIsNoSynStays) {
    connect();
    EXPECT_EQ(mss_after_travel(inner_syn("10.99.1.5", "10.99.2.5", 1380), kMss), 1380);
    EXPECT_EQ(mss_after_travel(inner_syn("10.99.1.5", "10.99.2.5", 1460, kTcpAck), kMss), 1460);
}

TEST_F(InnerMssTest, ChecksumsFollowInBothFamilies) {
    Frame ipv4 = inner_syn("10.99.1.5", "10.99.2.5", 1460, kTcpSyn, {1, 1, 1, 0});
    lower_inner_mss(ipv4.bytes().subspan(kFront_bytes), 1420);
    EXPECT_EQ(header_at<be16>(ipv4.transport(), 22)->host(), 1380);
    const Ipv4Header& ip = ipv4.ipv4();
    EXPECT_TRUE(
        checksum_is_valid(ipv4.transport(), pseudo_header_sum(ip.source, ip.destination, 6, 24)));
    Frame ipv6 = inner_ipv6_syn(1440);
    lower_inner_mss(ipv6.bytes().subspan(kFront_bytes), 1420);
    EXPECT_EQ(header_at<be16>(ipv6.bytes(), kIpv6Mss)->host(), 1360);
    const auto& ip6 = ipv6.packet.header<Ipv6Header>(kFront_bytes);
    EXPECT_TRUE(checksum_is_valid(ipv6.bytes().subspan(kFront_bytes + 40),
                                  pseudo_header_sum(ip6.source, ip6.destination, 6, 24)));
}

TEST_F(InnerMssTest, WhatIsCutOffOrNoTcpIsLeftAsItIs) {
    for (const bool is_ipv4 : {true, false}) {
        Frame frame = is_ipv4 ? inner_syn("10.99.1.5", "10.99.2.5", 1460) : inner_ipv6_syn(1440);
        const std::span<std::byte> packet = frame.bytes().subspan(kFront_bytes);
        const std::vector<std::byte> before{packet.begin(), packet.end()};
        const auto is_unchanged = [&] {
            return std::equal(before.begin(), before.end(), packet.begin());
        };
        for (std::size_t length = 0; length < packet.size(); ++length) {
            lower_inner_mss(packet.first(length), 1300);
            EXPECT_TRUE(is_unchanged()) << length;
        }
        lower_inner_mss(packet, 40);  // no MTU at all
        EXPECT_TRUE(is_unchanged());
    }
    Frame later = inner_syn("10.99.1.5", "10.99.2.5", 1460);
    later.ipv4().flags_and_offset = be16{std::uint16_t{1}};
    lower_inner_mss(later.bytes().subspan(kFront_bytes), 1300);
    EXPECT_EQ(header_at<be16>(later.bytes(), kMss)->host(), 1460);
    Frame beyond = inner_syn("10.99.1.5", "10.99.2.5", 1460);
    beyond.ipv4().version_and_ihl = 0x4F;  // options to behind the end
    lower_inner_mss(beyond.bytes().subspan(kFront_bytes), 1300);
    EXPECT_EQ(header_at<be16>(beyond.bytes(), kMss)->host(), 1460);
}

}  // namespace
}  // namespace towpath::wireguard
