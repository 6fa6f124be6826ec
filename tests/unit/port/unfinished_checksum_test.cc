// SPDX-License-Identifier: BSD-3-Clause
// decisions.md N7 where the driver shows no checksum state: af_xdp.
#include "dataplane/port/unfinished_checksum.h"

#include <gtest/gtest.h>

#include "tests/builders/packet_builder.h"

namespace towpath::port {
namespace {

using builders::Frame;

// What a sender leaves that counts on hardware: the folded sum of the pseudo-header.
be16 unfinished(Frame& frame) {
    const Ipv4Header& ip = frame.ipv4();
    const auto length_bytes = static_cast<std::uint16_t>(frame.transport().size());
    return be16::from_raw(
        fold_checksum(pseudo_header_sum(ip.source, ip.destination, ip.protocol, length_bytes)));
}

TEST(UnfinishedChecksum, IsCompletedForTcp) {
    Frame frame = builders::tcp({.payload_bytes = 101});
    const be16 right = frame.tcp().checksum;
    frame.tcp().checksum = unfinished(frame);
    EXPECT_TRUE(complete_if_unfinished(frame.packet.bytes()));
    EXPECT_EQ(frame.tcp().checksum, right);
}

TEST(UnfinishedChecksum, IsCompletedForUdpBehindOptionsAndBeforePadding) {
    Frame frame = builders::udp({.payload_bytes = 3, .ip_options = {1, 1, 1, 1}});
    const be16 right = frame.udp().checksum;
    frame.udp().checksum = unfinished(frame);
    // Link padding that is not zero belongs to no checksum.
    const std::size_t end = frame.packet.length;
    frame.packet.length = static_cast<std::uint16_t>(end + 5);
    std::fill_n(frame.packet.data() + end, 5, std::byte{0xAA});
    EXPECT_TRUE(complete_if_unfinished(frame.packet.bytes()));
    EXPECT_EQ(frame.udp().checksum, right);
}

TEST(UnfinishedChecksum, RightAndWrongChecksumsStay) {
    Frame right = builders::tcp();
    const be16 before = right.tcp().checksum;
    EXPECT_FALSE(complete_if_unfinished(right.packet.bytes()));
    EXPECT_EQ(right.tcp().checksum, before);
    Frame wrong = builders::udp();
    wrong.udp().checksum = be16{std::uint16_t{0x1234}};
    EXPECT_FALSE(complete_if_unfinished(wrong.packet.bytes()));
    EXPECT_EQ(wrong.udp().checksum.host(), 0x1234);
    Frame none = builders::udp();
    none.udp().checksum = be16{};  // RFC 768: none was made
    EXPECT_FALSE(complete_if_unfinished(none.packet.bytes()));
    EXPECT_EQ(none.udp().checksum.raw(), 0);
}

TEST(UnfinishedChecksum, FragmentsAndOtherProtocolsStay) {
    Frame fragment = builders::udp();
    fragment.udp().checksum = unfinished(fragment);
    fragment.ipv4().flags_and_offset = be16{kIpv4FlagMoreFragments};
    EXPECT_FALSE(complete_if_unfinished(fragment.packet.bytes()));
    Frame echo = builders::icmp_echo();
    echo.icmp().checksum = unfinished(echo);
    EXPECT_FALSE(complete_if_unfinished(echo.packet.bytes()));
}

// Every cut of a frame, and lengths that lie, are left to parse.
TEST(UnfinishedChecksum, NothingIsReadOrWrittenBeyondTheFrame) {
    Frame frame = builders::tcp();
    frame.tcp().checksum = unfinished(frame);
    const std::vector<std::byte> whole(frame.packet.bytes().begin(), frame.packet.bytes().end());
    for (std::size_t length = 0; length < whole.size(); ++length) {
        std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<long>(length));
        cut.shrink_to_fit();
        EXPECT_FALSE(complete_if_unfinished(cut)) << length;
    }
    frame.ipv4().version_and_ihl = 0x44;
    EXPECT_FALSE(complete_if_unfinished(frame.packet.bytes()));
    frame.ipv4().version_and_ihl = 0x4F;
    frame.ipv4().total_length_bytes = be16{std::uint16_t{59}};
    EXPECT_FALSE(complete_if_unfinished(frame.packet.bytes()));
}

}  // namespace
}  // namespace towpath::port
