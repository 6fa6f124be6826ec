// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/mss.h"

#include <gtest/gtest.h>

#include "tests/builders/packet_builder.h"

namespace towpath {
namespace {

using namespace builders;

Frame syn(std::vector<std::uint8_t> options) {
    return tcp({.payload_bytes = 0, .tcp_flags = kTcpSyn, .tcp_options = std::move(options)});
}
bool transport_is_valid(Frame& frame) {
    const Ipv4Header& ip = frame.ipv4();
    return checksum_is_valid(
        frame.transport(), pseudo_header_sum(ip.source, ip.destination, 6,
                                             static_cast<std::uint16_t>(frame.transport().size())));
}

TEST(Mss, CK08_LowersAtEvenAndOddOffsets) {
    for (const std::vector<std::uint8_t>& options :
         {std::vector<std::uint8_t>{2, 4, 5, 0xB4}, {1, 2, 4, 5, 0xB4}, {1, 1, 1, 2, 4, 5, 0xB4}}) {
        Frame frame = syn(options);
        EXPECT_EQ(clamp_mss(frame.transport(), 1380), MssResult::lowered);
        EXPECT_TRUE(transport_is_valid(frame));
    }
}

TEST(Mss, Vector27_3_OddOffset) {
    // The checksum over the options alone moves from 46F8 to 96F8.
    Frame frame = syn({1, 2, 4, 5, 0xB4, 0, 0, 0});
    frame.tcp().checksum = be16{0x46F8};
    ASSERT_EQ(clamp_mss(frame.transport(), 1380), MssResult::lowered);
    EXPECT_EQ(frame.tcp().checksum, be16{0x96F8});
}

TEST(Mss, NeverRaisesAndLeavesTinyValues) {
    Frame small = syn({2, 4, 2, 0x18});
    EXPECT_EQ(clamp_mss(small.transport(), 1380), MssResult::unchanged);
    Frame tiny = syn({2, 4, 0, 63});
    EXPECT_EQ(clamp_mss(tiny.transport(), 20), MssResult::unchanged);
    Frame none = syn({1, 1, 1, 0});
    EXPECT_EQ(clamp_mss(none.transport(), 20), MssResult::unchanged);
}

TEST(Mss, RepeatedOptionsAreAllLowered) {
    Frame frame = syn({2, 4, 5, 0xB4, 2, 4, 5, 0xB4});
    EXPECT_EQ(clamp_mss(frame.transport(), 1000), MssResult::lowered);
    EXPECT_EQ(*header_at<be16>(frame.transport(), 22), be16{1000});
    EXPECT_EQ(*header_at<be16>(frame.transport(), 26), be16{1000});
    EXPECT_TRUE(transport_is_valid(frame));
}

TEST(Mss, BadTcp07_MalformedOptionsAreLeft) {
    for (const std::vector<std::uint8_t>& options :
         {std::vector<std::uint8_t>{2, 3, 5, 0xB4},  // MSS of another length
          {8, 0, 0, 0},                              // length below 2
          {8, 1, 0, 0},
          {8, 40, 0, 0},    // beyond the header
          {1, 1, 1, 2}}) {  // cut off
        Frame frame = syn(options);
        const be16 before = frame.tcp().checksum;
        EXPECT_EQ(clamp_mss(frame.transport(), 100), MssResult::malformed);
        EXPECT_EQ(frame.tcp().checksum, before);
    }
}

TEST(Mss, OptionsBeyondTheFirstFragmentAreNotRead) {
    Frame frame = syn({1, 1, 1, 1, 2, 4, 5, 0xB4});
    EXPECT_EQ(clamp_mss(frame.transport().first(26), 100), MssResult::malformed);
    EXPECT_EQ(clamp_mss(frame.transport().first(19), 100), MssResult::malformed);
}

}  // namespace
}  // namespace towpath
