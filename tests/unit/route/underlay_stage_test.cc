// SPDX-License-Identifier: BSD-3-Clause
// Where sealed datagrams go (decisions.md W6) and which of our addresses they come from
// (wireguard.md section 14).
#include "dataplane/route/underlay_stage.h"

#include "dataplane/wire/checksum.h"
#include "tests/unit/route/route_fixture.h"

namespace towpath::route {
namespace {

class Underlay : public RouteFixture {
protected:
    // As seal leaves it: a datagram of ours, routed by nobody yet.
    Frame sealed(const char* source, const char* destination) {
        Frame frame = parsed(builders::udp({.source = source,
                                            .source_port = 51820,
                                            .destination = destination,
                                            .destination_port = 41000}));
        frame.packet.ingress = kTunnel;
        frame.packet.egress = kNoInterface;
        return frame;
    }
    Lane pass(Frame& frame) {
        UnderlayState state{view_};
        batch_.clear();
        EXPECT_TRUE(batch_.admit(frame.packet, Lane::underlay));
        underlay_stage(state, batch_, now_);
        EXPECT_TRUE(batch_.lane(Lane::underlay).empty());
        frame.packet = batch_[0];
        return lane_of();
    }
    void without_default_route_below() {
        std::vector<RouteEntry> below = entries_;
        std::erase_if(below, [](const RouteEntry& entry) {
            return entry.route.interface == kTunnel || entry.prefix.length() == 0;
        });
        underlay_ = std::move(*RouteTable::build(below));
    }
    static bool has_right_checksums(Frame& frame) {
        const be16 updated = frame.udp().checksum;
        return checksum_is_valid(frame.header()) &&
               frame.seal_transport().udp().checksum == updated;
    }
};

TEST_F(Underlay, FollowsTheRouteBelowTheTunnels) {
    Frame frame = sealed("192.0.2.10", "198.51.100.7");
    ASSERT_EQ(pass(frame), Lane::link);
    EXPECT_EQ(frame.packet.egress, kWan);
    EXPECT_EQ(frame.packet.next_hop, builders::address("192.0.2.1"));
    EXPECT_TRUE(frame.packet.is_originated);
    Frame neighbour = sealed("192.0.2.10", "192.0.2.77");
    ASSERT_EQ(pass(neighbour), Lane::link);
    EXPECT_EQ(neighbour.packet.next_hop, builders::address("192.0.2.77"));
}

TEST_F(Underlay, NeverEntersATunnel) {
    Frame frame = sealed("192.0.2.10", "198.51.100.200");  // the overlay leads into wg0
    ASSERT_EQ(pass(frame), Lane::link);
    EXPECT_EQ(frame.packet.egress, kWan);
    without_default_route_below();
    ASSERT_EQ(pass(frame), Lane::drop);
    EXPECT_EQ(frame.packet.verdict, DropReason::seal_endpoint_in_tunnel);
}

TEST_F(Underlay, SaysThatThereIsNoWay) {  // wireguard.md 17 #43
    without_default_route_below();
    Frame nowhere = sealed("192.0.2.10", "198.51.100.7");
    ASSERT_EQ(pass(nowhere), Lane::drop);
    EXPECT_EQ(nowhere.packet.verdict, DropReason::seal_no_route);
    Frame refused = sealed("192.0.2.10", "203.0.113.5");  // a route that says so
    ASSERT_EQ(pass(refused), Lane::drop);
    EXPECT_EQ(refused.packet.verdict, DropReason::seal_no_route);
}

TEST_F(Underlay, ChoosesTheSourceThatTheRouteSuggests) {
    Frame frame = sealed("0.0.0.0", "198.51.100.7");
    ASSERT_EQ(pass(frame), Lane::link);
    EXPECT_EQ(Ipv4Address{frame.ipv4().source}, builders::address("192.0.2.10"));
    EXPECT_TRUE(has_right_checksums(frame));
    Frame inside = sealed("0.0.0.0", "10.77.4.9");
    ASSERT_EQ(pass(inside), Lane::link);
    EXPECT_EQ(Ipv4Address{inside.ipv4().source}, builders::address("10.77.1.1"));
}

TEST_F(Underlay, KeepsTheAddressThatThePeerUsesWhileItIsOurs) {
    Frame sticky = sealed("10.77.9.1", "198.51.100.7");  // of another interface, and ours
    ASSERT_EQ(pass(sticky), Lane::link);
    EXPECT_EQ(Ipv4Address{sticky.ipv4().source}, builders::address("10.77.9.1"));
    Frame lost = sealed("10.77.9.200", "198.51.100.7");  // not ours any more
    ASSERT_EQ(pass(lost), Lane::link);
    EXPECT_EQ(Ipv4Address{lost.ipv4().source}, builders::address("192.0.2.10"));
    EXPECT_TRUE(has_right_checksums(lost));
}

TEST_F(Underlay, LeavesNoneWithoutAnAddress) {
    interface(kWan).address_count = 0;
    Frame frame = sealed("0.0.0.0", "198.51.100.7");
    ASSERT_EQ(pass(frame), Lane::drop);
    EXPECT_EQ(frame.packet.verdict, DropReason::seal_no_route);
}

}  // namespace
}  // namespace towpath::route
