// SPDX-License-Identifier: BSD-3-Clause
// State messages onto a world: lists in parts, limits at and one past, whole worlds only.
#include "dataplane/server/apply.h"

#include <gtest/gtest.h>

#include "dataplane/wire/ip_address.h"

namespace towpath::server {
namespace {

using namespace contract;

StartSettings two_ports() {
    StartSettings start;
    start.port_count = 2;
    start.pool_addresses = 2;
    start.ports[0].name.set("lan");
    start.ports[1].name.set("wan");
    return start;
}

PoolChunk pool(std::uint32_t total, std::uint32_t offset, std::uint32_t count) {
    PoolChunk chunk;
    chunk.part = {total, offset, count, 0};
    for (std::uint32_t i = 0; i < count; ++i) {
        chunk.entries[i] = Ipv4Address{0xC0000210U + offset + i};
    }
    return chunk;
}

TEST(Apply, ListArrivesInOrderAndAgain) {
    const StartSettings start = two_ports();
    Construction construction;
    for (int round = 0; round < 2; ++round) {
        ASSERT_TRUE(apply(construction, start, pool(2, 0, 1)).has_value());
        EXPECT_FALSE(check_whole(construction).has_value());
        ASSERT_TRUE(apply(construction, start, pool(2, 1, 1)).has_value());
        EXPECT_TRUE(check_whole(construction).has_value());
        EXPECT_EQ(construction.world.pool,
                  (std::vector{Ipv4Address{0xC0000210U}, Ipv4Address{0xC0000211U}}));
    }
}

TEST(Apply, ListBeginsAnewAtOffsetZero) {
    const StartSettings start = two_ports();
    Construction construction;
    ASSERT_TRUE(apply(construction, start, pool(2, 0, 1)).has_value());
    ASSERT_TRUE(apply(construction, start, pool(1, 0, 1)).has_value());
    EXPECT_TRUE(check_whole(construction).has_value());
    EXPECT_EQ(construction.world.pool.size(), 1U);
}

TEST(Apply, PartThatDoesNotContinueIsRefused) {
    const StartSettings start = two_ports();
    Construction construction;
    EXPECT_FALSE(apply(construction, start, pool(2, 1, 1)).has_value());
    ASSERT_TRUE(apply(construction, start, pool(2, 0, 1)).has_value());
    ASSERT_TRUE(apply(construction, start, pool(2, 1, 1)).has_value());
    EXPECT_FALSE(apply(construction, start, pool(2, 1, 1)).has_value());
    EXPECT_EQ(construction.world.pool.size(), 2U);
}

TEST(Apply, PoolBeyondWhatWasStartedNeedsARestart) {
    const StartSettings start = two_ports();
    Construction construction;
    const auto outcome = apply(construction, start, pool(3, 0, 3));
    ASSERT_FALSE(outcome.has_value());
    EXPECT_EQ(outcome.error().exit_code, ExitCode::refused);
    EXPECT_EQ(outcome.error().sentence,
              "3 pool addresses are more than the 2 the data plane was started for: restart "
              "needed");
}

TEST(Apply, RouteLeavesByAnInterfaceThatExists) {
    const StartSettings start = two_ports();
    Construction construction;
    RouteChunk chunk;
    chunk.part = {1, 0, 1, 0};
    chunk.entries[0].interface = 1;
    EXPECT_TRUE(apply(construction, start, chunk).has_value());
    chunk.entries[0].interface = 2;
    const auto outcome = apply(construction, start, chunk);
    ASSERT_FALSE(outcome.has_value());
    EXPECT_EQ(outcome.error().sentence,
              "route 0.0.0.0/0 leaves by interface number 2, which does not exist");
}

TEST(Apply, RoutesUpToWhatStartSaid) {
    StartSettings start = two_ports();
    start.routes = 2;
    Construction construction;
    RouteChunk chunk;
    chunk.part = {2, 0, 2, 0};
    EXPECT_TRUE(apply(construction, start, chunk).has_value());
    chunk.part = {3, 0, 3, 0};
    EXPECT_FALSE(apply(construction, start, chunk).has_value());
}

TEST(Apply, Ipv6IsHeldToTheSameRules) {
    StartSettings start = two_ports();
    start.routes = 2;
    Construction construction;
    Ipv6RouteChunk chunk;
    chunk.part = {3, 0, 3, 0};
    EXPECT_FALSE(apply(construction, start, chunk).has_value());
    chunk.part = {2, 0, 1, 0};
    chunk.entries[0].interface = 2;
    EXPECT_EQ(apply(construction, start, chunk).error().sentence,
              "route ::/0 leaves by interface number 2, which does not exist");
    chunk.entries[0].interface = 1;
    ASSERT_TRUE(apply(construction, start, chunk).has_value());
    EXPECT_FALSE(check_whole(construction).has_value());  // one of two
    chunk.part = {2, 1, 1, 0};
    ASSERT_TRUE(apply(construction, start, chunk).has_value());
    EXPECT_TRUE(check_whole(construction).has_value());
    EXPECT_EQ(construction.world.ipv6_routes.size(), 2U);

    InterfaceSet set;
    set.ipv6_address_count = 1;
    for (const Ipv6Address& address : {kAllNodes, Ipv6Address{}, link_local_of(MacAddress{})}) {
        set.ipv6_addresses[0] = {address, 64, {}};
        EXPECT_FALSE(apply(construction, start, set).has_value()) << to_string(address);
    }
}

TEST(Apply, InterfaceCannotCarryMulticastOrNothing) {
    const StartSettings start = two_ports();
    Construction construction;
    InterfaceSet set;
    set.address_count = 1;
    set.addresses[0] = {Ipv4Address{0xE0000001}, 24, {}};
    EXPECT_EQ(apply(construction, start, set).error().sentence,
              "interface lan cannot carry 224.0.0.1/24");
    set.addresses[0] = {Ipv4Address{}, 24, {}};
    EXPECT_FALSE(apply(construction, start, set).has_value());
    EXPECT_EQ(construction.world, World{});
}

TEST(Apply, TranslationNeedsBothSidesAndAPool) {
    const StartSettings start = two_ports();
    Construction construction;
    NatSet nat;
    nat.is_enabled = 1;
    ASSERT_TRUE(apply(construction, start, nat).has_value());
    EXPECT_EQ(check_whole(construction).error().sentence,
              "translation is enabled without a pool address");
    ASSERT_TRUE(apply(construction, start, pool(1, 0, 1)).has_value());
    EXPECT_FALSE(check_whole(construction).has_value());
    InterfaceSet set;
    set.role = Role::inside;
    ASSERT_TRUE(apply(construction, start, set).has_value());
    EXPECT_FALSE(check_whole(construction).has_value());
    set.id = 1;
    set.role = Role::outside;
    ASSERT_TRUE(apply(construction, start, set).has_value());
    EXPECT_TRUE(check_whole(construction).has_value());
}

TEST(Apply, OnePoolAddressTwiceIsRefused) {
    const StartSettings start = two_ports();
    Construction construction;
    construction.world.nat.is_enabled = 1;
    PoolChunk chunk = pool(2, 0, 2);
    chunk.entries[1] = chunk.entries[0];
    ASSERT_TRUE(apply(construction, start, chunk).has_value());
    EXPECT_EQ(check_whole(construction).error().sentence, "pool address 192.0.2.16 is given twice");
}

TEST(Apply, LocalRuleOfAnUnknownInterfaceIsRefused) {
    const StartSettings start = two_ports();
    Construction construction;
    AllowChunk chunk;
    chunk.part = {1, 0, 1, 0};
    EXPECT_TRUE(apply(construction, start, chunk).has_value());  // any interface
    chunk.entries[0].interface = 2;
    EXPECT_FALSE(apply(construction, start, chunk).has_value());
}

TEST(Apply, AdvertisedPrefixesAreOfTunnels) {
    StartSettings start = two_ports();
    start.tunnel_count = 1;
    Construction construction;
    AdvertiseChunk chunk;
    chunk.part = {2, 0, 1, 0};
    chunk.entries[0] = {
        IpPrefixField::of(*parse_ip_prefix("10.77.1.0/24")), 1, AdvertisedUse::reached, {}};
    EXPECT_EQ(apply(construction, start, chunk).error().sentence, "interface wan is no tunnel");
    chunk.entries[0].tunnel = 2;
    ASSERT_TRUE(apply(construction, start, chunk).has_value());
    EXPECT_FALSE(check_whole(construction).has_value());  // one of two
    chunk.part = {2, 1, 1, 0};
    chunk.entries[0].prefix = IpPrefixField::of(*parse_ip_prefix("2001:db8:1::/48"));
    ASSERT_TRUE(apply(construction, start, chunk).has_value());
    EXPECT_TRUE(check_whole(construction).has_value());
    EXPECT_EQ(construction.world.advertised.size(), 2U);
}

}  // namespace
}  // namespace towpath::server
