// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route/route_table.h"

#include <gtest/gtest.h>

#include "tests/builders/packet_builder.h"

namespace towpath::route {
namespace {

RouteEntry via(const char* prefix, std::uint32_t next_hop) {
    return {builders::prefix(prefix), {RouteKind::via, InterfaceId{1}, Ipv4Address{next_hop}}};
}
std::uint32_t next_hop(const RouteTable& table, const char* destination) {
    return table.find(builders::address(destination)).next_hop.bits();
}

TEST(RouteTable, WithoutRoutesEverythingIsUnreachable) {
    EXPECT_EQ(RouteTable{}.find(builders::address("198.51.100.1")).kind, RouteKind::unreachable);
}

TEST(RouteTable, LongestPrefixWinsWhateverTheOrder) {
    const std::vector<RouteEntry> entries{via("198.51.100.7/32", 5), via("0.0.0.0/0", 1),
                                          via("198.51.100.0/24", 3), via("198.51.0.0/16", 2),
                                          via("198.51.100.0/29", 4), via("198.0.0.0/9", 6)};
    const Outcome<RouteTable> table = RouteTable::build(entries);
    ASSERT_TRUE(table.has_value());
    EXPECT_EQ(next_hop(*table, "198.51.100.7"), 5U);
    EXPECT_EQ(next_hop(*table, "198.51.100.6"), 4U);
    EXPECT_EQ(next_hop(*table, "198.51.100.8"), 3U);
    EXPECT_EQ(next_hop(*table, "198.51.101.0"), 2U);
    EXPECT_EQ(next_hop(*table, "198.52.0.0"), 6U);
    EXPECT_EQ(next_hop(*table, "198.128.0.0"), 1U);
    EXPECT_EQ(next_hop(*table, "255.255.255.255"), 1U);
    EXPECT_EQ(next_hop(*table, "0.0.0.0"), 1U);
}

TEST(RouteTable, OfTwoEqualPrefixesTheLaterWins) {
    const std::vector<RouteEntry> entries{via("192.0.2.0/24", 1), via("192.0.2.0/24", 2)};
    EXPECT_EQ(next_hop(*RouteTable::build(entries), "192.0.2.9"), 2U);
}

TEST(RouteTable, RefusesOneRouteTooMany) {
    std::vector<RouteEntry> entries(kRoutesMax, via("10.0.0.0/8", 1));
    EXPECT_TRUE(RouteTable::build(entries).has_value());
    entries.push_back(via("10.0.0.0/8", 1));
    const Outcome<RouteTable> refused = RouteTable::build(entries);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().sentence,
              "There are 131073 routes, and the route table holds at most 131072.");
}

TEST(RouteTable, HoldsAHundredThousandRoutes) {
    std::vector<RouteEntry> entries;
    for (std::uint32_t index = 0; index < 100000; ++index) {
        entries.push_back({Ipv4Prefix{Ipv4Address{0x14000000U + (index << 8U)}, 24},
                           {RouteKind::via, InterfaceId{0}, Ipv4Address{index + 1}}});
    }
    const Outcome<RouteTable> table = RouteTable::build(entries);
    ASSERT_TRUE(table.has_value());
    EXPECT_EQ(table->find(Ipv4Address{0x14000000U}).next_hop.bits(), 1U);
    EXPECT_EQ(table->find(Ipv4Address{0x14000000U + (99999U << 8U) + 200}).next_hop.bits(),
              100000U);
    EXPECT_EQ(table->find(Ipv4Address{0x14000000U + (100000U << 8U)}).kind, RouteKind::unreachable);
    EXPECT_LT(table->memory_bytes(), 8U * 1024 * 1024);
}

}  // namespace
}  // namespace towpath::route
