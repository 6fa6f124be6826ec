// SPDX-License-Identifier: BSD-3-Clause
// Hairpin: nat-behaviour.md 6.3 and 9.6, decisions.md N17.
#include <gtest/gtest.h>

#include "tests/builders/nat_rig.h"

namespace towpath::nat {
namespace {

using namespace builders;
using Exit = NatRig::Exit;

constexpr std::uint8_t kSynAck = kTcpSyn | kTcpAck;
Endpoint endpoint(std::string_view text, std::uint16_t port) {
    return {address(text), Port{port}};
}

class Hairpin : public testing::TestWithParam<std::size_t> {
protected:
    // A = 10.0.0.1:5000 and B = 10.0.0.2:6000 have spoken to the world.
    Hairpin() : rig{{.workers = GetParam(), .seed = 3}} {
        Frame a = udp({.source = "10.0.0.1", .source_port = 5000});
        Frame b = udp({.source = "10.0.0.2", .source_port = 6000});
        EXPECT_TRUE(rig.from_inside(a).passed());
        EXPECT_TRUE(rig.from_inside(b).passed());
    }
    Exit send(std::string_view source, std::uint16_t port, std::uint16_t to, std::uint8_t flags,
              WorkerId worker = 0) {
        Frame frame = tcp({.source = source,
                           .source_port = port,
                           .destination = "203.0.113.9",
                           .destination_port = to,
                           .tcp_flags = flags});
        return rig.from_inside(frame, worker);
    }
    NatRig rig;
};

TEST_P(Hairpin, U09a_TheOtherSeesTheOutsideSource) {
    Frame frame = udp({.source = "10.0.0.1",
                       .source_port = 5000,
                       .destination = "203.0.113.9",
                       .destination_port = 6000});
    ASSERT_TRUE(rig.from_inside(frame).passed());
    EXPECT_EQ(source_of(frame), endpoint("203.0.113.9", 5000));
    EXPECT_EQ(destination_of(frame), endpoint("10.0.0.2", 6000));
    EXPECT_EQ(frame.packet.egress, kLan);
    EXPECT_TRUE(frame.packet.is_hairpin);
    EXPECT_TRUE(checksums_are_valid(frame));  // CK-09
    EXPECT_EQ(frame.ipv4().ttl, 64);          // taken off once, by who transmits
    // And an error about it quotes what A sent (N17).
    EXPECT_EQ(frame.packet.original_source_address, address("10.0.0.1"));
    EXPECT_EQ(frame.packet.original_source_port, Port{5000});
    EXPECT_EQ(frame.packet.original_destination_address, address("203.0.113.9"));
    EXPECT_EQ(frame.packet.original_destination_port, Port{6000});
    Frame answer = udp({.source = "10.0.0.2",
                        .source_port = 6000,
                        .destination = "203.0.113.9",
                        .destination_port = 5000});
    ASSERT_TRUE(rig.from_inside(answer).passed());
    EXPECT_EQ(source_of(answer), endpoint("203.0.113.9", 6000));
    EXPECT_EQ(destination_of(answer), endpoint("10.0.0.1", 5000));
}

TEST_P(Hairpin, CreatesTheSendersMapping) {
    Frame frame = udp({.source = "10.0.0.3",
                       .source_port = 7000,
                       .destination = "203.0.113.9",
                       .destination_port = 6000});
    ASSERT_TRUE(rig.from_inside(frame).passed());
    EXPECT_EQ(source_of(frame), endpoint("203.0.113.9", 7000));
    EXPECT_EQ(rig.live_mappings(), 3U);
}

TEST_P(Hairpin, ToItsOwnMappingIsLegal) {
    Frame frame = udp({.source = "10.0.0.1",
                       .source_port = 5000,
                       .destination = "203.0.113.9",
                       .destination_port = 5000});
    ASSERT_TRUE(rig.from_inside(frame).passed());
    EXPECT_EQ(source_of(frame), endpoint("203.0.113.9", 5000));
    EXPECT_EQ(destination_of(frame), endpoint("10.0.0.1", 5000));
}

TEST_P(Hairpin, WithoutAMappingItIsAsFromOutside) {
    Frame frame = udp({.source = "10.0.0.1",
                       .source_port = 5000,
                       .destination = "203.0.113.9",
                       .destination_port = 9999});
    const Exit exit = rig.from_inside(frame);
    EXPECT_EQ(exit.lane, Lane::drop);
    EXPECT_EQ(exit.reason, DropReason::inbound_no_mapping);
}

TEST_P(Hairpin, CanBeTurnedOff) {
    rig.policy.hairpin = false;
    rig.publish();
    Frame frame = udp({.source = "10.0.0.1",
                       .source_port = 5000,
                       .destination = "203.0.113.9",
                       .destination_port = 6000});
    EXPECT_EQ(rig.from_inside(frame).reason, DropReason::inbound_no_mapping);
}

TEST_P(Hairpin, FilterCountsTheOutsideEndpointOfTheSender) {
    rig.policy.udp_filtering = Filtering::address_and_port_dependent;
    rig.publish();
    rig.expire();
    rig.advance(std::chrono::seconds{3});  // filter_change.h
    const auto send_datagram = [this](std::string_view source, std::uint16_t port,
                                      std::uint16_t to) {
        Frame frame = udp({.source = source,
                           .source_port = port,
                           .destination = "203.0.113.9",
                           .destination_port = to});
        return rig.from_inside(frame).reason;
    };
    EXPECT_EQ(send_datagram("10.0.0.1", 5000, 6000), DropReason::inbound_filtered);
    EXPECT_EQ(send_datagram("10.0.0.2", 6000, 5000), DropReason::none);  // A has sent there
    EXPECT_EQ(send_datagram("10.0.0.1", 5000, 6000), DropReason::none);
}

TEST_P(Hairpin, T08_SimultaneousOpenByOutsideEndpoints) {
    ASSERT_EQ(send("10.0.0.1", 5000, 6000, kTcpSyn).reason, DropReason::inbound_no_mapping);
    ASSERT_TRUE(send("10.0.0.2", 6000, 5000, kTcpSyn).passed());  // meets A's session
    ASSERT_TRUE(send("10.0.0.1", 5000, 6000, kTcpSyn).passed());  // A's again
    ASSERT_TRUE(send("10.0.0.1", 5000, 6000, kSynAck).passed());
    ASSERT_TRUE(send("10.0.0.2", 6000, 5000, kSynAck).passed());
    for (std::size_t worker = 0; worker < GetParam(); ++worker) {
        // Established: whichever worker it lands on translates it.
        const Exit exit = send("10.0.0.1", 5000, 6000, kTcpAck, static_cast<WorkerId>(worker));
        EXPECT_TRUE(exit.passed());
        EXPECT_EQ(exit.hand_offs, 0U);
    }
}

TEST_P(Hairpin, I07_ErrorAboutAHairpinnedPacket) {
    Frame received = udp({.source = "10.0.0.1",
                          .source_port = 5000,
                          .destination = "203.0.113.9",
                          .destination_port = 6000});
    ASSERT_TRUE(rig.from_inside(received).passed());
    Frame error = icmp_error({.source = "10.0.0.2", .destination = "203.0.113.9"}, received,
                             IcmpType::destination_unreachable, kIcmpPortUnreachable);
    ASSERT_TRUE(rig.from_inside(error).passed());
    EXPECT_EQ(error.ipv4().source, address("203.0.113.9").wire());
    EXPECT_EQ(error.ipv4().destination, address("10.0.0.1").wire());
    const auto& inner = error.packet.header<Ipv4Header>(error.packet.l4 + 8U);
    const auto& ports = error.packet.header<UdpHeader>(error.packet.l4 + 28U);
    EXPECT_EQ(inner.source, address("10.0.0.1").wire());
    EXPECT_EQ(ports.source_port, be16{5000});
    EXPECT_EQ(inner.destination, address("203.0.113.9").wire());
    EXPECT_EQ(ports.destination_port, be16{6000});
    EXPECT_TRUE(checksums_are_valid(error));
    EXPECT_TRUE(checksum_is_valid(error.transport().subspan(8, 20)));
}

TEST_P(Hairpin, FragmentsFollow) {
    Frame whole = udp({.source = "10.0.0.1",
                       .source_port = 5000,
                       .destination = "203.0.113.9",
                       .destination_port = 6000,
                       .payload_bytes = 64});
    for (Frame& piece : fragments_of(whole, 32)) {
        const bool is_first = piece.ipv4().fragment_offset_bytes() == 0;
        piece.packet.fragment = is_first ? FragmentKind::first : FragmentKind::later;
        piece.packet.transport = TransportKind::udp;
        piece.packet.source_port = Port{5000};
        piece.packet.destination_port = Port{6000};
        piece.packet.replaces_identification = true;
        piece.packet.replacement_identification = be16{0xBEEF};
        const std::vector<std::byte> before{piece.transport().begin(), piece.transport().end()};
        ASSERT_TRUE(rig.from_inside(piece).passed());
        EXPECT_EQ(piece.ipv4().source, address("203.0.113.9").wire());
        EXPECT_EQ(piece.ipv4().destination, address("10.0.0.2").wire());
        EXPECT_EQ(piece.ipv4().identification, be16{0xBEEF});
        EXPECT_TRUE(checksum_is_valid(piece.header()));
        const std::vector<std::byte> after{piece.transport().begin(), piece.transport().end()};
        EXPECT_EQ(before == after, !is_first);  // CK-06, CK-07
    }
}

INSTANTIATE_TEST_SUITE_P(Workers, Hairpin, testing::Values(1, 2, 5));

}  // namespace
}  // namespace towpath::nat
