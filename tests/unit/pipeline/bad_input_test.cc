// SPDX-License-Identifier: BSD-3-Clause
// Rows of the bad input catalogue (nat-behaviour.md 26.1, 26.3, 26.4) that only the whole path can
// answer: what is odd but legal crosses untouched, what has no state does not cross.
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "tests/builders/gateway.h"

namespace towpath {
namespace {

using namespace builders;

constexpr std::string_view kServer = "198.51.100.1";

Fields from_server(std::uint8_t flags) {
    return {.source = kServer,
            .source_port = 443,
            .destination = "192.0.2.10",
            .destination_port = 40000,
            .payload_bytes = 0,
            .tcp_flags = flags,
            .ingress = kOutside,
            .source_mac = kRouterMac,
            .destination_mac = kOutsideMac};
}

void expect_valid_checksums(const Packet& packet) {
    const auto& ip = packet.header<Ipv4Header>(14);
    const auto header = packet.bytes().subspan(14, ip.header_length_bytes());
    const auto transport = packet.bytes().subspan(14U + ip.header_length_bytes());
    EXPECT_TRUE(checksum_is_valid(header));
    EXPECT_TRUE(checksum_is_valid(transport,
                                  pseudo_header_sum(ip.source, ip.destination, ip.protocol,
                                                    static_cast<std::uint16_t>(transport.size()))));
}

// An inside client and kServer with an established connection.
class Connection : public testing::Test {
protected:
    Connection() {
        Frame syn = tcp({.payload_bytes = 0, .tcp_flags = kTcpSyn});
        (void)gateway.transmitted(syn);
        Frame answer = tcp(from_server(kTcpSyn | kTcpAck));
        (void)gateway.transmitted(answer);
    }
    Gateway gateway;
};

TEST(BadInput, TrailingBytesAreNotForwarded_BadL2_08) {
    Gateway gateway;
    Frame frame = udp({.payload_bytes = 4});
    const std::uint16_t length_bytes = frame.packet.length;
    frame.packet.length = 60;  // the padding of a short Ethernet frame
    const Packet packet = gateway.transmitted(frame);
    EXPECT_EQ(packet.length, length_bytes);
    expect_valid_checksums(packet);
}

TEST(BadInput, RouterAlertInTransitCrossesUntouched_BadOpt05) {
    Gateway gateway;
    const std::vector<std::uint8_t> router_alert{148, 4, 0, 0};
    Frame frame = udp({.ip_options = router_alert});
    const Packet packet = gateway.transmitted(frame);
    EXPECT_EQ(packet.egress, kOutside);
    const auto option = packet.bytes().subspan(34, 4);
    EXPECT_TRUE(
        std::equal(option.begin(), option.end(), router_alert.begin(),
                   [](std::byte left, std::uint8_t right) { return left == std::byte{right}; }));
    expect_valid_checksums(packet);
}

TEST(BadInput, MalformedTcpOptionsCrossWithoutClamp_BadTcp07) {
    // An MSS of a wrong length, an option of length 0, and one that ends beyond the header.
    const std::vector<std::vector<std::uint8_t>> malformed{
        {2, 3, 0xFF, 1}, {8, 0, 2, 4, 0x40, 0, 0, 0}, {3, 200, 2, 4, 0x40, 0, 1, 0}};
    for (const auto& options : malformed) {
        Gateway gateway;
        Frame frame = tcp({.payload_bytes = 0, .tcp_flags = kTcpSyn, .tcp_options = options});
        const Packet packet = gateway.transmitted(frame);
        const auto crossed = packet.bytes().subspan(54, options.size());
        EXPECT_TRUE(std::equal(
            crossed.begin(), crossed.end(), options.begin(),
            [](std::byte left, std::uint8_t right) { return left == std::byte{right}; }));
        expect_valid_checksums(packet);
    }
}

TEST(BadInput, SegmentFromOutsideWithoutStateIsDropped_BadTcp09) {
    Gateway gateway;
    for (const std::uint8_t flags :
         {kTcpAck, static_cast<std::uint8_t>(kTcpSyn | kTcpAck), kTcpRst}) {
        Frame frame = tcp(from_server(flags));
        EXPECT_EQ(gateway.run(frame).verdict, DropReason::inbound_no_mapping);
        EXPECT_EQ(gateway.batch().lane(Lane::drop).size(), 1U);
    }
    EXPECT_EQ(gateway.drops(DropReason::inbound_no_mapping), 3U);
}

TEST_F(Connection, ResetOutOfWindowIsForwardedAndEndsNothing_BadTcp12) {
    Fields reset = from_server(kTcpRst);
    reset.tcp_sequence = 0x7FFFFFFF;
    Frame frame = tcp(reset);
    EXPECT_EQ(gateway.transmitted(frame).egress, kInside);
    // The next segment restores the connection: it lives past the 240 s of one that was reset.
    Frame more = tcp({.payload_bytes = 1});
    (void)gateway.transmitted(more);
    for (int second = 11; second < 10 + 1000; ++second) {
        (void)gateway.housekeeping(Now{std::chrono::seconds{second}});
    }
    Frame late = tcp(from_server(kTcpAck));
    EXPECT_EQ(gateway.transmitted(late, Now{std::chrono::seconds{1011}}).egress, kInside);
}

TEST_F(Connection, AckStormZeroWindowAndUrgentDataCross_BadTcp13) {
    for (int repeated = 0; repeated < 200; ++repeated) {
        Frame ack = tcp(from_server(kTcpAck));
        ack.tcp().window = be16{};
        ack.seal_transport();
        const Packet packet = gateway.transmitted(ack);
        EXPECT_EQ(packet.header<TcpHeader>(34).window.host(), 0);
        expect_valid_checksums(packet);
    }
    Frame urgent = tcp(from_server(kTcpAck | kTcpUrg));
    urgent.tcp().urgent_pointer = be16{std::uint16_t{1}};
    urgent.seal_transport();
    const Packet packet = gateway.transmitted(urgent);
    EXPECT_EQ(packet.header<TcpHeader>(34).urgent_pointer.host(), 1);
    expect_valid_checksums(packet);
}

}  // namespace
}  // namespace towpath
