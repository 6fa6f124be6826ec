// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route/tunnel_reach.h"

#include <gtest/gtest.h>

#include <string_view>

namespace towpath::route {
namespace {

constexpr InterfaceId kLimited{3};
constexpr InterfaceId kFree{4};

TunnelReach reach_of(std::initializer_list<std::string_view> prefixes, bool is_exit_node = false) {
    TunnelLimit limit{kLimited, {}, is_exit_node};
    for (const std::string_view text : prefixes) {
        limit.prefixes.push_back(parse_ip_prefix(text).value());
    }
    return TunnelReach{std::span{&limit, 1}};
}

bool permits(const TunnelReach& reach, std::string_view destination, bool is_internet = false,
             InterfaceId tunnel = kLimited) {
    const IpAddress address = parse_ip_address(destination).value();
    return address.is_ipv4() ? reach.permits(tunnel, address.ipv4(), is_internet)
                             : reach.permits(tunnel, address.ipv6(), is_internet);
}

TEST(TunnelReach, WithoutALimitEverythingIsReached) {
    EXPECT_TRUE(permits(TunnelReach{}, "10.77.1.1"));
    EXPECT_TRUE(permits(TunnelReach{}, "2001:db8::1"));
    EXPECT_TRUE(permits(reach_of({}), "10.77.1.1", false, kFree));
}

TEST(TunnelReach, AnEmptyListReachesNothing) {
    EXPECT_FALSE(permits(reach_of({}), "10.77.1.1"));
    EXPECT_FALSE(permits(reach_of({}), "2001:db8::1", true));
}

TEST(TunnelReach, EdgesOfPrefixesOfBothFamilies) {
    const TunnelReach reach =
        reach_of({"10.77.1.0/24", "10.77.1.128/25", "2001:db8:2::/48", "2001:db8:1::/48",
                  "2001:db8:2:7::/64", "2001:db8:9::1/128"});
    for (const std::string_view inside :
         {"10.77.1.0", "10.77.1.255", "2001:db8:1::", "2001:db8:2::", "2001:db8:2:8::1",
          "2001:db8:2:ffff:ffff:ffff:ffff:ffff", "2001:db8:9::1"}) {
        EXPECT_TRUE(permits(reach, inside)) << inside;
    }
    for (const std::string_view outside :
         {"10.77.0.255", "10.77.2.0", "2001:db8:0:ffff:ffff:ffff:ffff:ffff",
          "2001:db8:3::", "2001:db8:9::", "2001:db8:9::2", "::", "ffff::"}) {
        EXPECT_FALSE(permits(reach, outside)) << outside;
    }
}

TEST(TunnelReach, WholeFamilies) {
    EXPECT_TRUE(permits(reach_of({"::/0"}), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
    EXPECT_FALSE(permits(reach_of({"::/0"}), "10.77.1.1"));
    EXPECT_TRUE(permits(reach_of({"0.0.0.0/0"}), "255.255.255.255"));
    EXPECT_FALSE(permits(reach_of({"0.0.0.0/0"}), "2001:db8::1"));
}

TEST(TunnelReach, AnExitNodeLeadsToTheInternetOnly) {
    const TunnelReach reach = reach_of({"10.77.1.0/24"}, true);
    for (const std::string_view address : {"198.51.100.1", "2001:db8:99::1"}) {
        EXPECT_TRUE(permits(reach, address, true)) << address;
        EXPECT_FALSE(permits(reach, address, false)) << address;
    }
    EXPECT_TRUE(permits(reach, "10.77.1.1", false));
}

}  // namespace
}  // namespace towpath::route
