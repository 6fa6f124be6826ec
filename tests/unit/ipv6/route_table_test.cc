// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipv6/route_table.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/builders/ipv6_gateway.h"

namespace towpath::ipv6 {
namespace {

using builders::address6;
using builders::prefix6;
using route::RouteKind;

RouteEntry to(std::string_view prefix, std::uint8_t interface) {
    return {prefix6(prefix), {RouteKind::connected, InterfaceId{interface}, {}}};
}

TEST(Ipv6RouteTable, IsEmptyWithoutRoutes) {
    EXPECT_EQ(RouteTable{}.find(address6("2001:db8::1")).kind, RouteKind::unreachable);
    EXPECT_EQ(RouteTable::build({})->find(address6("::")).kind, RouteKind::unreachable);
}

TEST(Ipv6RouteTable, LongestPrefixWinsAndTheLaterOfTwo) {
    const std::vector<RouteEntry> entries{to("2001:db8:1::/48", 1),   to("::/0", 0),
                                          to("2001:db8:1::1/128", 3), to("2001:db8:1::/64", 2),
                                          to("2001:db8:1::/64", 4),   to("ffff::/16", 5)};
    const RouteTable table = *RouteTable::build(entries);
    const auto found = [&table](std::string_view text) {
        return static_cast<int>(table.find(address6(text)).interface);
    };
    EXPECT_EQ(found("::"), 0);
    EXPECT_EQ(found("2001:db8:0:ffff:ffff:ffff:ffff:ffff"), 0);
    EXPECT_EQ(found("2001:db8:1::"), 4);
    EXPECT_EQ(found("2001:db8:1::1"), 3);
    EXPECT_EQ(found("2001:db8:1::2"), 4);
    EXPECT_EQ(found("2001:db8:1:1::"), 1);
    EXPECT_EQ(found("2001:db8:2::"), 0);
    EXPECT_EQ(found("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 5);
}

TEST(Ipv6RouteTable, AgreesWithALinearSearch) {
    std::mt19937_64 random{7};
    std::vector<RouteEntry> entries;
    // Few distinct bits, so that prefixes nest and touch.
    const auto word = [&random] { return random() & 0xC000000000000003U; };
    for (int count = 0; count < 500; ++count) {
        const Ipv6Address address = address_of({word(), word()});
        entries.push_back({Ipv6Prefix{address, static_cast<std::uint8_t>(random() % 129)},
                           {RouteKind::via, InterfaceId{1}, address_of({random(), 0})}});
    }
    const RouteTable table = *RouteTable::build(entries);
    for (int count = 0; count < 5000; ++count) {
        const Ipv6Address address = address_of({word(), word() ^ (random() % 2)});
        const RouteEntry* best = nullptr;
        for (const RouteEntry& entry : entries) {
            if (entry.prefix.contains(address) &&
                (best == nullptr || entry.prefix.length() >= best->prefix.length())) {
                best = &entry;
            }
        }
        const Route expected = best == nullptr ? Route{} : best->route;
        ASSERT_EQ(table.find(address), expected) << to_string(address);
    }
}

TEST(Ipv6RouteTable, RefusesMoreRoutesThanItHolds) {
    const std::vector<RouteEntry> entries(kRoutesMax + 1);
    EXPECT_FALSE(RouteTable::build(entries).has_value());
}

}  // namespace
}  // namespace towpath::ipv6
