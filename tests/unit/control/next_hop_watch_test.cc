// SPDX-License-Identifier: BSD-3-Clause
// When a next hop counts as dead, and what of it is news.
#include "control/observe/next_hop_watch.h"

#include <gtest/gtest.h>

#include "control/reconcile/route_list.h"
#include "dataplane/wire/address.h"

namespace towpath::control {
namespace {

using Lines = std::vector<std::string>;

const IpAddress kRouter = *parse_ip_address("192.0.2.1");
const MacAddress kMac{{2, 0, 0, 0, 0, 9}};

class NextHopWatchTest : public testing::Test {
protected:
    // With one neighbour in this state.
    Lines look(const std::string& state, const MacAddress& mac = {},
               const std::string& interface = "wan") {
        return watch_.look(hops_, {{interface, kRouter, mac, state, 0}});
    }
    std::vector<NextHopModel> hops_{{"wan", kRouter, "0.0.0.0/0"}};
    NextHopWatch watch_;
};

TEST_F(NextHopWatchTest, DeathAndReturnAreToldOnce) {
    EXPECT_EQ(look("reachable", kMac), Lines{});
    EXPECT_EQ(look("probe", kMac), Lines{});
    EXPECT_EQ(look("incomplete"), Lines{});
    EXPECT_TRUE(watch_.dead().empty());
    EXPECT_EQ(look("failed"), Lines{"next hop 192.0.2.1 of 0.0.0.0/0 by wan does not answer: "
                                    "nothing leaves that way"});
    ASSERT_EQ(watch_.dead().size(), 1U);
    EXPECT_EQ(watch_.dead()[0].interface, "wan");
    // Asked for again, or forgotten because nobody sends: still dead.
    EXPECT_EQ(look("incomplete"), Lines{});
    EXPECT_EQ(watch_.look(hops_, {}), Lines{});
    EXPECT_EQ(look("failed"), Lines{});
    EXPECT_EQ(watch_.dead().size(), 1U);
    EXPECT_EQ(look("stale", kMac), Lines{"next hop 192.0.2.1 of 0.0.0.0/0 by wan answers again"});
    EXPECT_TRUE(watch_.dead().empty());
}

TEST_F(NextHopWatchTest, OthersThatFailAreNoNextHops) {
    EXPECT_EQ(look("failed", {}, "lan"), Lines{});
    hops_[0].address = *parse_ip_address("192.0.2.2");
    EXPECT_EQ(look("failed"), Lines{});
}

TEST_F(NextHopWatchTest, WhatIsNoLongerInForceIsForgotten) {
    EXPECT_EQ(look("failed").size(), 1U);
    hops_.clear();
    EXPECT_EQ(look("failed"), Lines{});
    EXPECT_TRUE(watch_.dead().empty());
    hops_ = {{"wan", kRouter, "0.0.0.0/0"}};
    EXPECT_EQ(look("failed").size(), 1U);
    watch_.forget();
    EXPECT_TRUE(watch_.dead().empty());
}

TEST(NextHops, AreThoseOfStaticRoutesEachOnce) {
    config::Config config;
    config.interfaces.resize(1);
    config.interfaces[0].name = "wan";
    config.interfaces[0].addresses = {
        {*parse_ipv4_address("192.0.2.10"), *parse_ipv4_prefix("192.0.2.0/24")}};
    const auto route = [](const char* to, const char* via) {
        return config::StaticRoute{*parse_ip_prefix(to), *parse_ip_address(via), {}};
    };
    config.routes = {route("0.0.0.0/0", "192.0.2.1"), route("198.51.100.0/24", "192.0.2.1"),
                     route("203.0.113.0/24", "192.0.2.2"), route("10.0.0.0/8", "10.9.9.9")};
    const std::vector<NextHopModel> hops = next_hops(config);
    ASSERT_EQ(hops.size(), 2U);  // nothing leads to 10.9.9.9
    EXPECT_EQ(hops[0].interface, "wan");
    EXPECT_EQ(hops[0].address, kRouter);
    EXPECT_EQ(hops[0].routes, "0.0.0.0/0 and 1 more");
    EXPECT_EQ(to_string(hops[1].address), "192.0.2.2");
    EXPECT_EQ(hops[1].routes, "203.0.113.0/24");
}

}  // namespace
}  // namespace towpath::control
