// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route/route_stage.h"

#include "tests/unit/route/route_fixture.h"

namespace towpath::route {
namespace {

using enum DropReason;

class RouteStage : public RouteFixture {
protected:
    RouteStage() { state_.view = view_; }
    Lane pass(Frame& frame) {
        batch_.clear();
        EXPECT_TRUE(batch_.admit(frame.packet, Lane::route));
        route_stage(state_, batch_, now_);
        EXPECT_TRUE(batch_.lane(Lane::route).empty());
        frame.packet = batch_[0];
        return lane_of();
    }
    RouteState state_;
};

TEST_F(RouteStage, DefaultRouteGivesItsNextHop) {
    Frame frame = parsed(builders::udp());
    ASSERT_EQ(pass(frame), Lane::nat_outbound);
    EXPECT_EQ(frame.packet.egress, kWan);
    EXPECT_EQ(frame.packet.next_hop, builders::address("192.0.2.1"));
}

TEST_F(RouteStage, ConnectedDestinationIsItsOwnNextHop) {
    Frame frame = parsed(builders::udp({.destination = "10.77.1.9"}));
    ASSERT_EQ(pass(frame), Lane::nat_outbound);
    EXPECT_EQ(frame.packet.egress, kLan);
    EXPECT_EQ(frame.packet.next_hop, builders::address("10.77.1.9"));
}

TEST_F(RouteStage, NoRouteIsToldToInsideOnly) {
    Frame inside = parsed(builders::udp({.destination = "203.0.113.5"}));
    EXPECT_EQ(pass(inside), Lane::icmp_error);
    EXPECT_EQ(inside.packet.verdict, route_none);
    EXPECT_EQ(inside.packet.icmp_type, 3);
    EXPECT_EQ(inside.packet.icmp_code, 0);
    Frame outside = parsed(
        builders::udp({.source = "198.51.100.1", .destination = "203.0.113.5", .ingress = kWan}));
    EXPECT_EQ(pass(outside), Lane::drop);
    EXPECT_EQ(outside.packet.verdict, route_none);
}

TEST_F(RouteStage, TooBigWithDontFragment) {
    interface(kWan).mtu_bytes = 1400;
    Frame exact = parsed(builders::udp({.dont_fragment = true, .payload_bytes = 1372}));
    EXPECT_EQ(pass(exact), Lane::nat_outbound);
    Frame big = parsed(builders::udp({.dont_fragment = true, .payload_bytes = 1373}));
    EXPECT_EQ(pass(big), Lane::icmp_error);
    EXPECT_EQ(big.packet.verdict, route_too_big);
    EXPECT_EQ(big.packet.icmp_type, 3);
    EXPECT_EQ(big.packet.icmp_code, 4);
    EXPECT_EQ(big.packet.icmp_mtu_bytes, 1400);
    Frame divisible = parsed(builders::udp({.payload_bytes = 1373}));
    EXPECT_EQ(pass(divisible), Lane::nat_outbound);
}

TEST_F(RouteStage, OutsideNeedsAMapping_N18) {
    for (const char* destination : {"10.77.1.2", "198.51.100.77"}) {
        Frame frame = parsed(
            builders::udp({.source = "198.51.100.1", .destination = destination, .ingress = kWan}));
        EXPECT_EQ(pass(frame), Lane::drop);
        EXPECT_EQ(frame.packet.verdict, inbound_no_mapping);
    }
    Frame mapped = parsed(
        builders::udp({.source = "198.51.100.1", .destination = "10.77.1.2", .ingress = kWan}));
    mapped.packet.was_rewritten_inbound = true;
    EXPECT_EQ(pass(mapped), Lane::link);
}

// Of what a mapping let in from outside only a SYN has anything to expect of nat_outbound.
TEST_F(RouteStage, WhatIsTranslatedFromOutsideIsDone) {
    const auto lane_of_mapped = [&](Frame frame) {
        frame.packet.was_rewritten_inbound = true;
        return pass(frame);
    };
    builders::Fields fields{.source = "198.51.100.1", .destination = "10.77.1.2", .ingress = kWan};
    EXPECT_EQ(lane_of_mapped(parsed(builders::udp(fields))), Lane::link);
    EXPECT_EQ(lane_of_mapped(parsed(builders::tcp(fields))), Lane::nat_outbound);
    fields.ingress = kLan;  // a hairpin
    EXPECT_EQ(lane_of_mapped(parsed(builders::udp(fields))), Lane::nat_outbound);
}

TEST_F(RouteStage, NeutralIsRoutedUntranslated_N18) {
    Frame in = parsed(
        builders::udp({.source = "198.51.100.1", .destination = "10.77.9.9", .ingress = kWan}));
    EXPECT_EQ(pass(in), Lane::nat_outbound);
    Frame out = parsed(builders::ipv4({.source = "10.77.9.9", .ingress = kNeutral}, 47, 40));
    EXPECT_EQ(pass(out), Lane::nat_outbound);
}

TEST_F(RouteStage, OtherProtocolsCannotBeTranslated_BadIp14) {
    Frame out = parsed(builders::ipv4({}, 47, 40));
    EXPECT_EQ(pass(out), Lane::icmp_error);
    EXPECT_EQ(out.packet.verdict, protocol_unsupported);
    EXPECT_EQ(out.packet.icmp_code, 2);
    Frame between_insides = parsed(builders::ipv4({.destination = "10.77.4.4"}, 47, 40));
    EXPECT_EQ(pass(between_insides), Lane::nat_outbound);
}

TEST_F(RouteStage, LocalIsForTheHost) {
    Frame frame = parsed(builders::udp({.destination = "10.77.1.1"}));
    EXPECT_EQ(pass(frame), Lane::drop);
    EXPECT_EQ(frame.packet.verdict, local_no_host);
    interface(kLan).has_host = true;
    EXPECT_EQ(pass(frame), Lane::punt);
}

// decisions.md W13.
class FromTunnel : public RouteStage {
protected:
    void limit(bool is_exit_node) {
        settings_.tunnel_limits = {
            {kTunnel, {IpPrefix{builders::prefix("10.77.1.0/24")}}, is_exit_node}};
        rebuild();
        state_.view = view_;
    }
    Lane pass_to(std::string_view destination, bool was_rewritten_inbound = false,
                 bool is_originated = false) {
        frame_ = parsed(
            builders::tcp({.source = "10.99.0.2", .destination = destination, .ingress = kTunnel}));
        frame_.packet.was_rewritten_inbound = was_rewritten_inbound;
        frame_.packet.is_originated = is_originated;
        return pass(frame_);
    }
    void expect_dropped(std::string_view destination) {
        EXPECT_EQ(pass_to(destination), Lane::drop) << destination;
        EXPECT_EQ(frame_.packet.verdict, admit_not_advertised) << destination;
    }
    Frame frame_{0};
};

TEST_F(FromTunnel, EverythingIsReachedUnlessThereIsAList) {
    for (const std::string_view destination : {"10.77.1.9", "10.77.4.9", "198.51.100.1"}) {
        EXPECT_EQ(pass_to(destination), Lane::nat_outbound) << destination;
    }
}

TEST_F(FromTunnel, OnlyWhatIsAdvertisedIsReached) {
    limit(false);
    EXPECT_EQ(pass_to("10.77.1.9"), Lane::nat_outbound);
    // Another inside network, a neutral one, a peer, the internet, nowhere.
    for (const std::string_view destination :
         {"10.77.4.9", "10.77.9.9", "10.99.0.3", "198.51.100.1", "203.0.113.5"}) {
        expect_dropped(destination);
    }
}

TEST_F(FromTunnel, AnExitNodeLeadsToTheInternetToo) {
    limit(true);
    EXPECT_EQ(pass_to("10.77.1.9"), Lane::nat_outbound);
    EXPECT_EQ(pass_to("198.51.100.1"), Lane::nat_outbound);
    expect_dropped("10.77.4.9");
    expect_dropped("10.77.9.9");
    EXPECT_EQ(pass_to("203.0.113.5"), Lane::icmp_error);  // where no route leads
    EXPECT_EQ(frame_.packet.verdict, route_none);
}

TEST_F(FromTunnel, AHairpinIsTheInternet) {
    limit(false);
    EXPECT_EQ(pass_to("10.77.4.9", true), Lane::drop);
    EXPECT_EQ(frame_.packet.verdict, admit_not_advertised);
    limit(true);
    EXPECT_EQ(pass_to("10.77.4.9", true), Lane::nat_outbound);
}

TEST_F(FromTunnel, WhatIsMadeHereAnswersThePeer) {
    limit(false);
    EXPECT_EQ(pass_to("10.99.0.2", false, true), Lane::nat_outbound);
}

TEST_F(FromTunnel, OthersAreNotLimited) {
    limit(false);
    Frame frame = parsed(builders::udp());
    EXPECT_EQ(pass(frame), Lane::nat_outbound);
    EXPECT_EQ(frame.packet.egress, kWan);
}

}  // namespace
}  // namespace towpath::route
