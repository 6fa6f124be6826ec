// SPDX-License-Identifier: BSD-3-Clause
#include "testbed/traffic/probe_frame.h"

#include <gtest/gtest.h>

#include <vector>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/udp.h"

namespace towpath::testbed {
namespace {

const FlowPlan kPlan{.source_mac = {{2, 0, 0x5E, 0, 0x53, 1}},
                     .gateway_mac = {{2, 0, 0x5E, 0, 0x53, 2}},
                     .source = *parse_ipv4_address("10.77.1.11"),
                     .destination = *parse_ipv4_address("192.0.2.1"),
                     .flow_count = 3};
const Probe kProbe{be32{static_cast<std::uint32_t>(ProbeKind::counted)}, be32{7}, be64{123456789}};

std::vector<std::byte> frame_of(std::size_t size_bytes) {
    std::vector<std::byte> frame(size_bytes);
    write_frame(frame, kPlan, kProbe);
    return frame;
}

TEST(ProbeFrame, ComesBackAsItWasWritten) {
    const auto probe = read_probe(frame_of(60), kPlan);
    ASSERT_TRUE(probe.has_value());
    EXPECT_EQ(probe->sequence.host(), 7U);
    EXPECT_EQ(probe->sent_ns.host(), 123456789U);
}

TEST(ProbeFrame, ChecksumsAreRightAtEverySize) {
    for (const std::size_t size : {60U, 61U, 590U, 1514U}) {
        const auto frame = frame_of(size);
        const std::span<const std::byte> bytes{frame};
        const auto* ipv4 = header_at<Ipv4Header>(bytes, 14);
        EXPECT_EQ(ipv4->total_length_bytes.host(), size - 14);
        EXPECT_TRUE(checksum_is_valid(bytes.subspan(14, 20)));
        const auto udp = bytes.subspan(34);
        EXPECT_TRUE(
            checksum_is_valid(udp, pseudo_header_sum(ipv4->source, ipv4->destination, 17,
                                                     static_cast<std::uint16_t>(udp.size()))))
            << size;
    }
}

TEST(ProbeFrame, SequenceNumbersGoRoundTheFlows) {
    const auto frame = frame_of(60);
    const auto* udp = header_at<UdpHeader>(std::span<const std::byte>{frame}, 34);
    EXPECT_EQ(udp->source_port.host(), 20001);
}

TEST(ProbeFrame, AnotherDestinationIsNotOurs) {
    auto frame = frame_of(60);
    header_at<UdpHeader>(std::span<std::byte>{frame}, 34)->destination_port = be16{53};
    EXPECT_FALSE(read_probe(frame, kPlan).has_value());
}

TEST(ProbeFrame, AShortFrameIsNotReadPastItsEnd) {
    auto frame = frame_of(60);
    for (std::size_t length = 0; length < 58; ++length) {
        EXPECT_FALSE(read_probe(std::span{frame}.first(length), kPlan).has_value()) << length;
    }
    EXPECT_TRUE(read_probe(std::span{frame}.first(58), kPlan).has_value());
}

TEST(ProbeFrame, ImixIsSevenFourOne) {
    std::size_t total_bytes = 0;
    for (std::uint64_t sequence = 0; sequence < 12; ++sequence) {
        total_bytes += imix_size_bytes(sequence);
    }
    EXPECT_EQ(total_bytes, 7U * 60 + 4U * 590 + 1514);
}

}  // namespace
}  // namespace towpath::testbed
