// SPDX-License-Identifier: BSD-3-Clause
// lan 10.77.1.0/24 and wan 192.0.2.0/24 with a router, and a tunnel that has the rest of IPv4.
#include "dataplane/engine/endpoint_way.h"

#include <gtest/gtest.h>

#include "dataplane/engine/generation_builder.h"
#include "tests/builders/packet_builder.h"

namespace towpath::engine {
namespace {

using builders::address;
using contract::EndpointWay;

constexpr InterfaceId kWan{1};
constexpr MacAddress kMac{{2, 0, 0, 0, 0, 9}};

class EndpointWays : public testing::Test {
protected:
    EndpointWays() {
        world_.interfaces[0].address_count = 1;
        world_.interfaces[0].addresses[0] = {address("10.77.1.1"), 24, {}};
        world_.interfaces[1].address_count = 1;
        world_.interfaces[1].addresses[0] = {address("192.0.2.10"), 24, {}};
        world_.interfaces[1].ipv6_address_count = 1;
        world_.interfaces[1].ipv6_addresses[0] = {parse_ip_address("2001:db8::10")->ipv6(), 64, {}};
        route("198.51.100.0/24", 1, contract::RouteKind::via);
        route("203.0.113.0/24", 2, contract::RouteKind::connected);
        devices_[0].is_up = true;
        devices_[1].is_up = true;
        devices_[2].is_up = true;
        devices_[2].is_tunnel = true;
    }
    void route(const char* to, std::uint8_t interface, contract::RouteKind kind) {
        contract::RouteField field;
        field.to = contract::PrefixField::of(builders::prefix(to));
        field.via = kind == contract::RouteKind::via ? address("192.0.2.1") : Ipv4Address{};
        field.interface = interface;
        field.kind = kind;
        world_.routes.push_back(field);
    }
    [[nodiscard]] EndpointWay way(const char* endpoint) const {
        const auto generation = build_generation({.number = 1,
                                                  .world = world_,
                                                  .interface_count = 3,
                                                  .devices = devices_,
                                                  .host_ports = {61000, 65535}});
        EXPECT_TRUE(generation.has_value());
        return way_to(*parse_ip_address(endpoint), generation->get(), {ipv4_, ipv6_});
    }
    contract::World world_;
    std::array<DeviceFacts, kInterfacesMax> devices_{};
    route::NeighborTable ipv4_;
    ipv6::NeighborTable ipv6_;
};

TEST_F(EndpointWays, NoneWithoutARoute) {
    EXPECT_EQ(way("100.64.0.1"), EndpointWay::no_route);
    EXPECT_EQ(way("2001:db8:1::1"), EndpointWay::no_route);
}

TEST_F(EndpointWays, NotThroughATunnel) {
    EXPECT_EQ(way("203.0.113.5"), EndpointWay::in_tunnel);
}

TEST_F(EndpointWays, ByANeighborThatAnswers) {
    EXPECT_EQ(way("198.51.100.7"), EndpointWay::neighbor_missing);
    ipv4_.confirm({kWan, address("198.51.100.7")}, kMac, 1);
    EXPECT_EQ(way("198.51.100.7"), EndpointWay::neighbor_missing) << "it is behind a router";
    ipv4_.confirm({kWan, address("192.0.2.1")}, kMac, 1);
    EXPECT_EQ(way("198.51.100.7"), EndpointWay::open);
    EXPECT_EQ(way("192.0.2.7"), EndpointWay::neighbor_missing);
    EXPECT_EQ(way("2001:db8::7"), EndpointWay::neighbor_missing);
    ipv6_.confirm({kWan, parse_ip_address("2001:db8::7")->ipv6()}, kMac, 1);
    EXPECT_EQ(way("2001:db8::7"), EndpointWay::open);
}

// Asking is no use: it does not keep a neighbour from growing old.
TEST_F(EndpointWays, AskingLeavesNeighborsAlone) {
    const route::NeighborKey router{kWan, address("192.0.2.1")};
    ipv4_.confirm(router, kMac, 1);
    ipv4_.set_state(router, route::NeighborState::stale);
    EXPECT_EQ(way("198.51.100.7"), EndpointWay::open);
    for (std::size_t index = 0; index < route::kNeighborsMax; ++index) {
        EXPECT_FALSE(ipv4_.entry(index).was_used);
    }
}

TEST_F(EndpointWays, OverAnInterfaceThatIsUp) {
    devices_[1].is_up = false;
    EXPECT_EQ(way("198.51.100.7"), EndpointWay::interface_down);
}

TEST_F(EndpointWays, UnknownWhereNothingIsInForce) {
    EXPECT_EQ(way_to(*parse_ip_address("192.0.2.7"), nullptr, {ipv4_, ipv6_}),
              EndpointWay::unknown);
    EXPECT_EQ(way_to({}, nullptr, {ipv4_, ipv6_}), EndpointWay::unknown);
}

}  // namespace
}  // namespace towpath::engine
