// SPDX-License-Identifier: BSD-3-Clause
// ICMP queries through both stages (RFC 5508 section 3), and what the host of a shared address
// gets.
#include <gtest/gtest.h>

#include "tests/builders/nat_rig.h"

namespace towpath::nat {
namespace {

using namespace builders;
using namespace std::chrono_literals;
using Exit = NatRig::Exit;

TEST(IcmpQuery, I01_EchoAndItsReplyPass) {
    NatRig rig;
    Frame sent = icmp_echo({.source = "10.0.0.1", .source_port = 77, .icmp_sequence = 5});
    ASSERT_TRUE(rig.from_inside(sent).passed());
    EXPECT_TRUE(checksums_are_valid(sent));
    EXPECT_EQ(sent.icmp().identifier, be16{77});
    Frame clash = icmp_echo({.source = "10.0.0.2", .source_port = 77});
    ASSERT_TRUE(rig.from_inside(clash).passed());
    const std::uint16_t identifier = clash.icmp().identifier.host();
    EXPECT_NE(identifier, 77);
    Frame reply = icmp_echo_reply({.source = "198.51.100.1",
                                   .source_port = identifier,
                                   .destination = "203.0.113.9",
                                   .icmp_sequence = 9});
    ASSERT_TRUE(rig.from_outside(reply).passed());
    EXPECT_EQ(reply.ipv4().destination, address("10.0.0.2").wire());
    EXPECT_EQ(reply.icmp().identifier, be16{77});
    EXPECT_EQ(reply.icmp().sequence, be16{9});
    EXPECT_TRUE(checksums_are_valid(reply));
}

TEST(IcmpQuery, I01a_IdentifierIsTheSameForEveryDestination) {
    NatRig rig;
    Frame first = icmp_echo({.source = "10.0.0.1", .source_port = 0});
    Frame second = icmp_echo({.source = "10.0.0.1", .source_port = 0, .destination = "192.0.2.7"});
    ASSERT_TRUE(rig.from_inside(first).passed());
    ASSERT_TRUE(rig.from_inside(second).passed());
    EXPECT_EQ(first.icmp().identifier, be16{0});
    EXPECT_EQ(second.icmp().identifier, be16{0});
    EXPECT_EQ(rig.live_mappings(), 1U);
}

TEST(IcmpQuery, I02_LivesSixtySeconds) {
    NatRig rig;
    Frame sent = icmp_echo({.source = "10.0.0.1", .source_port = 77});
    ASSERT_TRUE(rig.from_inside(sent).passed());
    rig.advance(59900ms);
    Frame reply = icmp_echo_reply({.source_port = 77, .destination = "203.0.113.9"});
    EXPECT_TRUE(rig.from_outside(reply).passed());
    rig.advance(2s);
    Frame late = icmp_echo_reply({.source_port = 77, .destination = "203.0.113.9"});
    EXPECT_EQ(rig.from_outside(late).reason, DropReason::inbound_no_mapping);
}

TEST(IcmpQuery, BadIcq04_ReplyWithoutRequestIsDroppedBothWays) {
    NatRig rig;
    Frame out = icmp_echo_reply({.source = "10.0.0.1", .source_port = 77});
    EXPECT_EQ(rig.from_inside(out), (Exit{Lane::drop, DropReason::nat_icmp_reply_unsolicited}));
    Frame in = icmp_echo_reply({.source_port = 77, .destination = "203.0.113.9"});
    EXPECT_EQ(rig.from_outside(in).reason, DropReason::inbound_no_mapping);
}

TEST(IcmpQuery, Decision14_RequestFromOutsideMeetsNoMapping) {
    NatRig rig;
    Frame sent = icmp_echo({.source = "10.0.0.1", .source_port = 77});
    ASSERT_TRUE(rig.from_inside(sent).passed());
    Frame request =
        icmp_echo({.source = "198.51.100.1", .source_port = 77, .destination = "203.0.113.9"});
    EXPECT_EQ(rig.from_outside(request).reason, DropReason::inbound_no_mapping);
}

class HostTraffic : public testing::Test {  // N10: the pool address is the port's own
protected:
    HostTraffic() {
        Interface& wan = rig.interfaces.storage[1];
        wan.has_host = true;
        wan.address_count = 1;
        wan.address_storage[0].address = address("203.0.113.9");
        rig.policy.reserved_ports.set(61000);
        rig.publish();
    }
    NatRig rig;
};

TEST_F(HostTraffic, ReplyWithoutMappingIsTheHosts) {
    Frame reply = icmp_echo_reply({.source_port = 77, .destination = "203.0.113.9"});
    EXPECT_EQ(rig.from_outside(reply).lane, Lane::punt);
    EXPECT_EQ(reply.ipv4().destination, address("203.0.113.9").wire());
}

TEST_F(HostTraffic, ErrorAboutAReservedPortIsTheHosts) {
    for (const std::uint16_t port : {std::uint16_t{61000}, std::uint16_t{50000}}) {
        Frame about = udp({.source = "203.0.113.9", .source_port = port});
        Frame error = icmp_error({.source = "192.0.2.99", .destination = "203.0.113.9"}, about,
                                 IcmpType::destination_unreachable, kIcmpPortUnreachable);
        EXPECT_EQ(rig.from_outside(error).lane, port == 61000 ? Lane::punt : Lane::drop);
    }
}

TEST_F(HostTraffic, AReservedPortIsNeverGivenAway) {
    Frame frame = udp({.source = "10.0.0.1", .source_port = 61000});
    ASSERT_TRUE(rig.from_inside(frame).passed());
    EXPECT_NE(frame.packet.source_port, Port{61000});
}

}  // namespace
}  // namespace towpath::nat
