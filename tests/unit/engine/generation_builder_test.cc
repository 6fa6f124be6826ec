// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/generation_builder.h"

#include <gtest/gtest.h>

#include "dataplane/wire/ip_address.h"
#include "tests/builders/packet_builder.h"

namespace towpath::engine {
namespace {

using builders::address;
using builders::prefix;

contract::World two_interfaces() {
    contract::World world;
    world.interfaces[0].role = contract::Role::inside;
    world.interfaces[0].address_count = 1;
    world.interfaces[0].addresses[0] = {address("10.77.1.1"), 24, {}};
    world.interfaces[1].role = contract::Role::outside;
    world.interfaces[1].address_count = 1;
    world.interfaces[1].addresses[0] = {address("192.0.2.10"), 24, {}};
    contract::RouteField route;
    route.to = contract::PrefixField::of(Ipv4Prefix{});
    route.via = address("192.0.2.1");
    route.interface = 1;
    world.routes = {route};
    world.nat.is_enabled = 1;
    world.nat.udp_filtering = contract::Filtering::address_dependent;
    world.nat.udp_timeout_s = 333;
    world.nat.reserved_range_count = 1;
    world.nat.reserved_ranges[0] = {61000, 65535};
    world.sources = {contract::PrefixField::of(prefix("10.77.1.0/24"))};
    world.pool = {address("192.0.2.10")};
    return world;
}

class GenerationBuilder : public testing::Test {
protected:
    std::unique_ptr<pipeline::Generation> build() {
        auto generation = build_generation({.number = 7,
                                            .world = world_,
                                            .interface_count = 2,
                                            .devices = devices_,
                                            .host_ports = {61000, 65535}});
        TOWPATH_ASSERT(generation.has_value());
        return std::move(*generation);
    }
    contract::World world_ = two_interfaces();
    std::array<DeviceFacts, kInterfacesMax> devices_{};
};

TEST_F(GenerationBuilder, JoinsWhatIsConfiguredWithWhatDevicesAre) {
    devices_[1] = {
        .mac = MacAddress{{2, 0, 0, 0, 0, 9}}, .mtu_bytes = 1400, .is_up = true, .has_host = true};
    const auto generation = build();
    const Interface& wan = generation->interfaces.storage[1];
    EXPECT_EQ(generation->number, 7U);
    EXPECT_EQ(wan.role, InterfaceRole::outside);
    EXPECT_EQ(wan.mtu_bytes, 1400);
    EXPECT_TRUE(wan.is_up && wan.has_host);
    EXPECT_FALSE(generation->interfaces.storage[0].is_up);
    EXPECT_TRUE(wan.owns(address("192.0.2.10")));
}

TEST_F(GenerationBuilder, Ipv6IsSpokenWhereThereIsAnAddress) {
    const Ipv6Address own = *parse_ipv6_address("2001:db8:1::1");
    world_.interfaces[0].ipv6_address_count = 1;
    world_.interfaces[0].ipv6_addresses[0] = {own, 64, {}};
    contract::Ipv6RouteField route;
    route.to = contract::Ipv6PrefixField::of({*parse_ipv6_address("2001:db8:7::"), 48});
    route.via = *parse_ipv6_address("2001:db8:1::fe");
    // A route cannot lead away from the box itself.
    contract::Ipv6RouteField same = route;
    same.to = contract::Ipv6PrefixField::of({own, 128});
    world_.ipv6_routes = {route, same};
    devices_[0].mac = MacAddress{{2, 0, 0, 0, 0, 9}};
    const auto generation = build();
    const Interface& lan = generation->interfaces.storage[0];
    EXPECT_TRUE(lan.has_ipv6);
    EXPECT_FALSE(generation->interfaces.storage[1].has_ipv6);
    EXPECT_TRUE(lan.owns(own));
    EXPECT_EQ(to_string(lan.link_local), "fe80::ff:fe00:9");
    const auto kind_of = [&generation](std::string_view text) {
        return generation->ipv6_routes.find(*parse_ipv6_address(text)).kind;
    };
    EXPECT_EQ(kind_of("2001:db8:1::1"), route::RouteKind::local);
    EXPECT_EQ(kind_of("2001:db8:1::2"), route::RouteKind::connected);
    EXPECT_EQ(kind_of("2001:db8:7::2"), route::RouteKind::via);
    EXPECT_EQ(kind_of("2001:db8:8::2"), route::RouteKind::unreachable);
    EXPECT_EQ(generation->ipv6_underlay.find(*parse_ipv6_address("2001:db8:7::2")).next_hop,
              route.via);
}

TEST_F(GenerationBuilder, RoutesToConnectedNetworksAndBeyond) {
    const auto generation = build();
    const route::Route& inside = generation->routes.find(address("10.77.1.99"));
    EXPECT_EQ(inside.kind, route::RouteKind::connected);
    EXPECT_EQ(inside.interface, InterfaceId{0});
    const route::Route& beyond = generation->routes.find(address("203.0.113.5"));
    EXPECT_EQ(beyond.kind, route::RouteKind::via);
    EXPECT_EQ(beyond.next_hop, address("192.0.2.1"));
}

TEST_F(GenerationBuilder, CarriesThePolicyOfTranslation) {
    const auto generation = build();
    EXPECT_TRUE(generation->nat.is_enabled);
    EXPECT_EQ(generation->nat.udp_filtering, nat::Filtering::address_dependent);
    EXPECT_EQ(generation->nat.tcp_filtering, nat::Filtering::address_and_port_dependent);
    EXPECT_EQ(generation->nat.timeouts.udp, std::chrono::seconds{333});
    EXPECT_TRUE(generation->nat.reserved_ports[61000] && generation->nat.reserved_ports[65535]);
    EXPECT_FALSE(generation->nat.reserved_ports[60999]);
    EXPECT_TRUE(generation->local.use_of(address("192.0.2.10")).is_pool);
}

TEST_F(GenerationBuilder, CarriesWhatIsSaidOfExhaustion) {
    EXPECT_EQ(build()->nat.exhaustion_icmp, nat::ExhaustionIcmp::host_unreachable);
    world_.nat.exhaustion_icmp = contract::ExhaustionIcmp::admin_prohibited;
    EXPECT_EQ(build()->nat.exhaustion_icmp, nat::ExhaustionIcmp::admin_prohibited);
    world_.nat.exhaustion_icmp = contract::ExhaustionIcmp::silent;
    EXPECT_EQ(build()->nat.exhaustion_icmp, nat::ExhaustionIcmp::silent);
}

TEST_F(GenerationBuilder, CarriesWhetherSynsAreRejected) {
    EXPECT_FALSE(build()->nat.reject_syns);
    world_.nat.reject_syns = 1;
    EXPECT_TRUE(build()->nat.reject_syns);
}

TEST_F(GenerationBuilder, LetsInWhatLocalAllowLists) {
    contract::AllowField ssh;
    ssh.interface = 1;
    ssh.protocol = 6;
    ssh.ports = {22, 22};
    ssh.prefix = contract::PrefixField::of(prefix("198.51.100.0/24"));
    world_.allow = {ssh};
    const auto generation = build();
    const Interface& wan = generation->interfaces.storage[1];
    const route::LocalPolicy& local = generation->local;
    EXPECT_TRUE(local.allows(wan, address("198.51.100.7"), 6, Port{std::uint16_t{22}}));
    EXPECT_FALSE(local.allows(wan, address("198.51.100.7"), 6, Port{std::uint16_t{23}}));
    EXPECT_FALSE(local.allows(wan, address("203.0.113.7"), 6, Port{std::uint16_t{22}}));
    EXPECT_FALSE(local.allows(wan, address("198.51.100.7"), 17, Port{std::uint16_t{22}}));
}

TEST_F(GenerationBuilder, LimitsTunnelsToWhatTheyAdvertise) {
    world_.tunnels[0].id = 1;
    const auto permits = [this](std::string_view destination, bool is_internet = false) {
        const IpAddress address = *parse_ip_address(destination);
        const auto generation = build();
        const route::TunnelReach& reach = generation->local.reach();
        return address.is_ipv4() ? reach.permits(InterfaceId{1}, address.ipv4(), is_internet)
                                 : reach.permits(InterfaceId{1}, address.ipv6(), is_internet);
    };
    EXPECT_TRUE(permits("10.77.2.1"));
    world_.tunnels[0].is_limited = 1;
    const auto field = [](std::string_view text, std::uint8_t tunnel) {
        return contract::AdvertisedField{
            contract::IpPrefixField::of(*parse_ip_prefix(text)), tunnel, {}, {}};
    };
    world_.advertised = {field("10.77.1.0/24", 1), field("2001:db8:1::/48", 1),
                         field("10.77.2.0/24", 0)};
    EXPECT_TRUE(permits("10.77.1.1"));
    EXPECT_TRUE(permits("2001:db8:1::1"));
    EXPECT_FALSE(permits("10.77.2.1"));  // another tunnel's
    EXPECT_FALSE(permits("198.51.100.1", true));
    world_.tunnels[0].is_exit_node = 1;
    EXPECT_TRUE(permits("198.51.100.1", true));
}

TEST_F(GenerationBuilder, PortsOfTunnelsAreNeverAMappings) {
    world_.tunnels[0].id = 2;
    world_.tunnels[0].listen_port = 51820;
    const auto generation = build();
    EXPECT_TRUE(generation->nat.reserved_ports[51820]);
    EXPECT_TRUE(generation->local.is_reserved(Port{std::uint16_t{51820}}));
    EXPECT_FALSE(generation->local.is_reserved(Port{std::uint16_t{51821}}));
    EXPECT_FALSE(generation->local.is_reserved(Port{}));
}

TEST_F(GenerationBuilder, TunnelsTranslateToInterfacesThatAreNotOutside) {
    const auto address_of = [this](std::size_t id) {
        const auto generation = build();
        EXPECT_EQ(generation->nat.realm_addresses, realm_addresses_of(world_, 2));
        return generation->nat.realm_addresses[id];
    };
    world_.tunnels[0].id = 2;
    world_.tunnels[0].listen_port = 51820;
    EXPECT_TRUE(address_of(0).is_unspecified());
    EXPECT_FALSE(build()->nat.has_tunnel_flows);
    world_.tunnels[0].is_translated = 1;
    world_.advertised = {{contract::IpPrefixField::of(*parse_ip_prefix("10.77.2.0/24")),
                          2,
                          contract::AdvertisedUse::translation_exception,
                          {}}};
    EXPECT_EQ(address_of(0), address("10.77.1.1"));
    EXPECT_TRUE(address_of(1).is_unspecified());  // outside
    const auto generation = build();
    EXPECT_TRUE(generation->nat.has_tunnel_flows);
    EXPECT_TRUE(generation->nat.tunnel_flows[2].translates(address("10.77.1.2")));
    EXPECT_FALSE(generation->nat.tunnel_flows[2].translates(address("10.77.2.2")));
    EXPECT_FALSE(generation->nat.tunnel_flows[0].translates(address("10.77.1.2")));
    EXPECT_TRUE(generation->local.use_of(address("10.77.1.1")).is_realm);
    // The exceptions alone are reason enough; being stateful is not.
    world_.tunnels[0].is_translated = 0;
    EXPECT_EQ(address_of(0), address("10.77.1.1"));
    world_.advertised.clear();
    world_.tunnels[0].is_stateful = 1;
    EXPECT_TRUE(address_of(0).is_unspecified());
    EXPECT_TRUE(build()->nat.has_tunnel_flows);
    EXPECT_TRUE(build()->nat.tunnel_flows[2].is_stateful);
    // An address is the pool's or a realm's.
    world_.tunnels[0].is_translated = 1;
    world_.pool.push_back(address("10.77.1.1"));
    EXPECT_TRUE(address_of(0).is_unspecified());
}

}  // namespace
}  // namespace towpath::engine
