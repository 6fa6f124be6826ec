// SPDX-License-Identifier: BSD-3-Clause
// What peers of a tunnel reach over IPv6 (decisions.md W13): the forward stage alone, with the
// branch as a tunnel.
#include <gtest/gtest.h>

#include <memory>
#include <string_view>
#include <utility>

#include "dataplane/ipv6/forward_stage.h"
#include "tests/builders/ipv6_gateway.h"

namespace towpath {
namespace {

using namespace builders;

class Ipv6FromTunnel : public testing::Test {
protected:
    Ipv6FromTunnel() {
        generation->interfaces.storage[static_cast<std::size_t>(kBranch)].is_tunnel = true;
        view_ = {&generation->interfaces, &generation->ipv6_routes, &generation->ipv6_underlay,
                 &local_};
    }
    void limit(bool is_exit_node) {
        route::LocalSettings settings;
        settings.tunnel_limits = {
            {kBranch, {parse_ip_prefix("2001:db8:1::/64").value()}, is_exit_node}};
        local_ = route::LocalPolicy{settings, generation->interfaces};
    }
    // The packet behind the stage, which must have put it there; its bytes are gone.
    Packet forwarded(std::string_view destination, Lane wanted) {
        Frame frame = udp6({.source = "2001:db8:3::2",
                            .destination = destination,
                            .ingress = kBranch,
                            .destination_mac = kBranchMac});
        frame.packet.l3 = 14;
        frame.packet.l4 = 54;
        Batch batch;
        EXPECT_TRUE(batch.admit(frame.packet, Lane::forward6));
        ipv6::ForwardState state;
        state.view = view_;
        ipv6::forward_stage(state, batch, Now{});
        EXPECT_EQ(batch.lane(wanted).size(), 1U) << destination;
        return batch[0];
    }
    std::shared_ptr<pipeline::Generation> generation = make_ipv6_generation();
    route::LocalPolicy local_;
    ipv6::View view_;
};

TEST_F(Ipv6FromTunnel, WithoutAnIpv6ExitClientsHearSo) {
    for (const bool has_limit : {false, true}) {
        if (has_limit) {
            limit(true);
        }
        for (const auto& [destination, reason] :
             {std::pair{"2001:db8:99::1", DropReason::ipv6_no_exit},  // a route, to outside
              std::pair{"2001:db8:77::1", DropReason::route_none}}) {
            const Packet packet = forwarded(destination, Lane::icmp6_error);
            EXPECT_EQ(packet.verdict, reason) << destination;
            EXPECT_EQ(packet.icmp_type, 1);
            EXPECT_EQ(packet.icmp_code, 0);
        }
    }
}

TEST_F(Ipv6FromTunnel, OnlyWhatIsAdvertisedIsReached) {
    EXPECT_EQ(forwarded("2001:db8:30::7", Lane::link6).verdict, DropReason::none);
    limit(false);
    EXPECT_EQ(forwarded("2001:db8:1::2", Lane::link6).egress, kInside);
    for (const std::string_view destination :
         {"2001:db8:30::7", "2001:db8:99::1", "2001:db8:77::1"}) {
        EXPECT_EQ(forwarded(destination, Lane::drop).verdict, DropReason::admit_not_advertised)
            << destination;
    }
}

}  // namespace
}  // namespace towpath
