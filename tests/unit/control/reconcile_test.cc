// SPDX-License-Identifier: BSD-3-Clause
// Configuration to world, and the difference of two worlds as messages: what is sent leads the data
// plane's own apply() to exactly what is desired, from wherever it stood.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "control/reconcile/desired.h"
#include "control/reconcile/diff.h"
#include "dataplane/contract/framing.h"
#include "dataplane/server/apply.h"

namespace towpath::control {
namespace {

using contract::World;

// The file of issue 3 as values.
config::Config gateway() {
    config::Config config;
    config::Interface lan;
    lan.name = "lan";
    lan.match.name = "lan0";
    lan.driver = config::Driver::af_packet;
    lan.addresses = {{Ipv4Address{0x0A4D0101}, {Ipv4Address{0x0A4D0100}, 24}}};
    config::Interface wan = lan;
    wan.name = "wan";
    wan.match.name = "wan0";
    wan.addresses = {{Ipv4Address{0xC000020A}, {Ipv4Address{0xC0000200}, 24}}};
    config.interfaces = {lan, wan};
    config.routes = {{Ipv4Prefix{}, Ipv4Address{0xC0000201}, ""}};
    config.nat.is_enabled = true;
    config.nat.inside = {"lan"};
    config.nat.outside = "wan";
    config.nat.pool = {{"wan", {}, {}}};
    return config;
}

TEST(Desired, TheFileOfTheIssue) {
    const config::Config config = gateway();
    const contract::StartSettings start = desired_start(config, "towpath");
    EXPECT_EQ(start.port_count, 2);
    EXPECT_EQ(start.ports[1].match.view(), "wan0");
    EXPECT_EQ(start.ports[1].driver, contract::PortDriver::af_packet);
    EXPECT_EQ(start.core_choice, contract::CoreChoice::automatic);
    EXPECT_EQ(start.mappings, 262'144U);
    const auto world = desired_world(config, start);
    ASSERT_TRUE(world.has_value());
    EXPECT_EQ(world->interfaces[0].role, contract::Role::inside);
    EXPECT_EQ(world->interfaces[1].role, contract::Role::outside);
    ASSERT_EQ(world->routes.size(), 1U);
    EXPECT_EQ(world->routes[0].via, Ipv4Address{0xC0000201});
    EXPECT_EQ(world->routes[0].interface, 1);
    EXPECT_EQ(world->pool, std::vector{Ipv4Address{0xC000020A}});
    ASSERT_EQ(world->sources.size(), 1U);
    EXPECT_EQ(world->sources[0].prefix(), (Ipv4Prefix{Ipv4Address{0x0A4D0100}, 24}));
    EXPECT_EQ(world->nat.tcp_filtering, contract::Filtering::address_and_port_dependent);
    // N10: the host's ports are never given to a mapping.
    ASSERT_GE(world->nat.reserved_range_count, 1U);
    EXPECT_EQ(world->nat.reserved_ranges[0], (contract::PortRangeField{61000, 65535}));
}

TEST(Desired, CarriesWhatIsSaidOfExhaustion) {
    config::Config config = gateway();
    const contract::StartSettings running = desired_start(config, "towpath");
    const World before = *desired_world(config, running);
    EXPECT_EQ(before.nat.exhaustion_icmp, contract::ExhaustionIcmp::host_unreachable);
    config.nat.exhaustion_icmp = config::ExhaustionIcmp::admin_prohibited;
    EXPECT_EQ(desired_world(config, running)->nat.exhaustion_icmp,
              contract::ExhaustionIcmp::admin_prohibited);
    config.nat.exhaustion_icmp = config::ExhaustionIcmp::silent;
    const World after = *desired_world(config, running);
    EXPECT_EQ(after.nat.exhaustion_icmp, contract::ExhaustionIcmp::silent);
    EXPECT_EQ(live_differences(before, after, running), std::vector<std::string>{"nat.options"});
}

TEST(Desired, CarriesWhetherSynsAreRejected) {
    config::Config config = gateway();
    const contract::StartSettings running = desired_start(config, "towpath");
    const World before = *desired_world(config, running);
    EXPECT_EQ(before.nat.reject_syns, 0);
    config.nat.reject_syns = true;
    const World after = *desired_world(config, running);
    EXPECT_EQ(after.nat.reject_syns, 1);
    EXPECT_EQ(live_differences(before, after, running), std::vector<std::string>{"nat.options"});
}

TEST(Desired, IdsAreThoseOfTheRunningDataPlane) {
    config::Config config = gateway();
    const contract::StartSettings running = desired_start(config, "towpath");
    const World before = *desired_world(config, running);
    std::swap(config.interfaces[0], config.interfaces[1]);
    EXPECT_EQ(*desired_world(config, running), before);
}

TEST(Desired, NewInterfaceIsRefusedByName) {
    config::Config config = gateway();
    const contract::StartSettings running = desired_start(config, "towpath");
    config.interfaces.push_back(config.interfaces[0]);
    config.interfaces.back().name = "dmz";
    const auto world = desired_world(config, running);
    ASSERT_FALSE(world.has_value());
    EXPECT_EQ(world.error().sentence,
              "interface dmz is new: the data plane must be restarted to open it");
}

TEST(Desired, Ipv6GoesItsOwnWay) {
    config::Config config = gateway();
    const contract::StartSettings running = desired_start(config, "towpath");
    const World before = *desired_world(config, running);
    const Ipv6Address own = *parse_ipv6_address("2001:db8:1::1");
    const Ipv6Address router = *parse_ipv6_address("2001:db8:1::fe");
    config.interfaces[0].ipv6_addresses = {{own, {own, 64}}};
    config.routes.push_back({IpPrefix{IpAddress{Ipv6Address{}}, 0}, IpAddress{router}, ""});
    const auto world = desired_world(config, running);
    ASSERT_TRUE(world.has_value());
    EXPECT_EQ(world->interfaces[0].ipv6_address_count, 1);
    EXPECT_EQ(world->interfaces[0].ipv6_addresses[0].length, 64);
    EXPECT_EQ(world->routes.size(), 1U);
    ASSERT_EQ(world->ipv6_routes.size(), 1U);
    EXPECT_EQ(world->ipv6_routes[0].via, router);
    EXPECT_EQ(world->ipv6_routes[0].interface, 0);
    EXPECT_EQ(world->sources, before.sources);  // what NAT translates is IPv4
    // The interface and the list, each once.
    EXPECT_EQ(state_messages(before, *world, running).size(), 2U);
    EXPECT_EQ(live_differences(before, *world, running),
              (std::vector<std::string>{"interfaces.lan", "routes.static"}));
}

TEST(Desired, WhatTunnelsAdvertiseIsStatedAndChangesLive) {
    config::Config config = gateway();
    config.tunnels.resize(2);
    config.tunnels[0].name = "wg0";
    config.tunnels[1].name = "wg1";
    const contract::StartSettings running = desired_start(config, "towpath");
    const World before = *desired_world(config, running);
    EXPECT_EQ(before.tunnels[1].is_limited, 0);
    const IpPrefix ipv4{Ipv4Prefix{Ipv4Address{0x0A4D0100}, 24}};
    const IpPrefix ipv6{IpAddress{*parse_ipv6_address("2001:db8:1::")}, 48};
    const IpPrefix kept{Ipv4Prefix{Ipv4Address{0x0A4D0200}, 24}};
    config.tunnels[1].advertise = config::Advertise{{ipv4, ipv6}, true};
    config.tunnels[0].source_nat = {true, {kept}};
    config.tunnels[1].is_stateful = true;
    const World after = *desired_world(config, running);
    EXPECT_EQ(after.tunnels[0].is_limited, 0);
    EXPECT_EQ(after.tunnels[1].is_limited, 1);
    EXPECT_EQ(after.tunnels[1].is_exit_node, 1);
    EXPECT_EQ(after.tunnels[0].is_translated, 1);
    EXPECT_EQ(after.tunnels[0].is_stateful, 0);
    EXPECT_EQ(after.tunnels[1].is_translated, 0);
    EXPECT_EQ(after.tunnels[1].is_stateful, 1);
    using enum contract::AdvertisedUse;
    EXPECT_EQ(after.advertised,
              (std::vector<contract::AdvertisedField>{
                  {contract::IpPrefixField::of(kept), 2, translation_exception, {}},
                  {contract::IpPrefixField::of(ipv4), 3, reached, {}},
                  {contract::IpPrefixField::of(ipv6), 3, reached, {}}}));
    EXPECT_EQ(state_messages(before, after, running).size(), 3U);
    EXPECT_EQ(live_differences(before, after, running),
              (std::vector<std::string>{"wireguard (advertised routes, exceptions from source-nat)",
                                        "wireguard.wg0", "wireguard.wg1"}));
}

TEST(Desired, InterfaceGoneFromTheFileCarriesNothing) {
    config::Config config = gateway();
    const contract::StartSettings running = desired_start(config, "towpath");
    config.interfaces.pop_back();
    config.routes.clear();
    config.nat = {};
    const auto world = desired_world(config, running);
    ASSERT_TRUE(world.has_value());
    EXPECT_EQ(world->interfaces[1].address_count, 0);
    EXPECT_EQ(world->interfaces[1].role, contract::Role::neutral);
}

TEST(Desired, PoolAtAndOnePastWhatWasStarted) {
    config::Config config = gateway();
    config.nat.limits.pool_addresses = 2;
    const contract::StartSettings running = desired_start(config, "towpath");
    config.nat.pool = {{"", Ipv4Address{0xC0000214}, Ipv4Address{0xC0000215}}};
    EXPECT_TRUE(desired_world(config, running).has_value());
    config.nat.pool[0].last = Ipv4Address{0xC0000216};
    EXPECT_FALSE(desired_world(config, running).has_value());
}

// The data plane's view of a list of messages.
void apply_all(const std::vector<Datagram>& messages, const contract::StartSettings& start,
               server::Construction& construction) {
    for (const Datagram& datagram : messages) {
        contract::MessageBuffer buffer;
        std::memcpy(buffer.bytes.data(), datagram.data(), datagram.size());
        const auto view = contract::decode_downward(std::span{buffer.bytes}.first(datagram.size()));
        ASSERT_TRUE(view.has_value());
        std::visit(
            [&](const auto* message) {
                if constexpr (requires { server::apply(construction, start, *message); }) {
                    const auto outcome = server::apply(construction, start, *message);
                    EXPECT_TRUE(outcome.has_value()) << outcome.error().sentence;
                } else {
                    ADD_FAILURE() << "a message that states nothing";
                }
            },
            *view);
    }
}

class Difference : public ::testing::Test {
protected:
    Difference() {
        start_.port_count = 3;
        start_.pool_addresses = contract::kPoolMax;
        start_.tunnel_count = 1;
    }
    World random_world() {
        World world;
        for (std::size_t id = 0; id < start_.port_count; ++id) {
            if (random() % 2 == 0) {
                world.interfaces[id].address_count = 1;
                world.interfaces[id].addresses[0] = {
                    Ipv4Address{0x0A4D0001U + (random() % 4 << 8U)}, 24, {}};
            }
        }
        // Around the sizes at which a list needs another part.
        for (std::size_t i = random() % 3 * contract::kRoutesPerChunk + random() % 2; i > 0; --i) {
            world.routes.push_back({{Ipv4Address{static_cast<std::uint32_t>(i << 8U)}, 24, {}},
                                    Ipv4Address{0xC0000201},
                                    contract::RouteKind::via,
                                    static_cast<std::uint8_t>(random() % start_.port_count),
                                    0});
        }
        for (std::size_t i = random() % 2 * contract::kPrefixesPerChunk + random() % 2; i > 0;
             --i) {
            world.pool.push_back(Ipv4Address{static_cast<std::uint32_t>(0xC6336400U + i)});
            world.sources.push_back(
                {Ipv4Address{static_cast<std::uint32_t>(0x0A4D0000U + i)}, 32, {}});
        }
        for (std::size_t i = random() % 2 * contract::kAllowPerChunk + random() % 2; i > 0; --i) {
            world.allow.push_back({{}, {1, 2}, 6, contract::kAnyInterface, 0});
        }
        for (std::size_t i = random() % 2 * contract::kAdvertisedPerChunk + random() % 2; i > 0;
             --i) {
            const Ipv4Prefix prefix{Ipv4Address{static_cast<std::uint32_t>(i << 8U)}, 24};
            world.advertised.push_back({contract::IpPrefixField::of(IpPrefix{prefix}), 3, {}});
        }
        world.tunnels[0].id = 3;
        world.tunnels[0].is_limited = static_cast<std::uint8_t>(random() % 2);
        world.nat.udp_timeout_s = 300 + random() % 2;
        return world;
    }
    unsigned random() { return static_cast<unsigned>(random_()); }

    std::mt19937 random_{7};
    contract::StartSettings start_;
};

// The law of reconciliation: apply(applied, desired - applied) = desired, and desired - desired is
// nothing.
TEST_F(Difference, LeadsFromAnyWorldToAnyOther) {
    World applied;
    for (int round = 0; round < 300; ++round) {
        const World desired = random_world();
        server::Construction construction = server::construction_from(applied);
        apply_all(state_messages(applied, desired, start_), start_, construction);
        ASSERT_TRUE(server::check_whole(construction).has_value());
        ASSERT_EQ(construction.world, desired);
        ASSERT_TRUE(state_messages(desired, desired, start_).empty());
        ASSERT_EQ(live_differences(applied, desired, start_).empty(), applied == desired);
        applied = desired;
    }
}

TEST_F(Difference, FromAnUnknownWorldEverythingIsStated) {
    for (int round = 0; round < 50; ++round) {
        const World desired = random_world();
        server::Construction construction = server::construction_from(random_world());
        apply_all(state_messages(std::nullopt, desired, start_), start_, construction);
        ASSERT_EQ(construction.world, desired);
    }
}

TEST(RestartDifferences, NamesWhatIsFixed) {
    config::Config config = gateway();
    const contract::StartSettings running = desired_start(config, "towpath");
    EXPECT_TRUE(restart_differences(running, running).empty());
    config.interfaces[1].driver = config::Driver::af_xdp;
    config.dataplane.cores = {1};
    config.nat.limits.sessions = 5;
    config.interfaces[0].addresses.clear();  // live
    EXPECT_EQ(restart_differences(running, desired_start(config, "towpath")),
              (std::vector<std::string>{"dataplane.cores", "nat.limits.sessions",
                                        "interfaces.wan.driver"}));
}

// A network of an interface keeps its route, whatever a peer may send from.
TEST(Desired, AllowedIpsAreRoutesButNotInsteadOfNetworks) {
    config::Config config = gateway();
    config::Tunnel& tunnel = config.tunnels.emplace_back();
    tunnel.name = "wg0";
    config::Peer& peer = tunnel.peers.emplace_back();
    for (const char* prefix : {"10.77.1.0/24", "10.77.1.8/29", "10.99.0.2/32", "0.0.0.0/0"}) {
        peer.allowed_ips.push_back(*parse_ip_prefix(prefix));
    }
    const contract::StartSettings running = desired_start(config, "towpath");
    const auto world = desired_world(config, running);
    ASSERT_TRUE(world.has_value());
    std::vector<std::string> into_tunnel;
    for (const contract::RouteField& route : world->routes) {
        if (route.interface == running.port_count) {
            into_tunnel.push_back(to_string(IpPrefix{route.to.prefix()}));
        }
    }
    EXPECT_EQ(into_tunnel, (std::vector<std::string>{"10.77.1.8/29", "10.99.0.2/32", "0.0.0.0/0"}));
    // Of two worlds that differ in allowed IPs alone no static route is said to have changed.
    World before = *world;
    before.routes.pop_back();
    EXPECT_EQ(live_differences(before, *world, running),
              std::vector<std::string>{"routes of allowed IPs"});
}

TEST(LiveDifferences, NamesWhatChanges) {
    config::Config config = gateway();
    const contract::StartSettings running = desired_start(config, "towpath");
    const World before = *desired_world(config, running);
    config.nat.timeouts.udp = std::chrono::seconds{400};
    config.nat.filtering.tcp = config::Filtering::endpoint_independent;
    EXPECT_EQ(live_differences(before, *desired_world(config, running), running),
              (std::vector<std::string>{"nat.filtering", "nat.timeouts"}));
}

}  // namespace
}  // namespace towpath::control
