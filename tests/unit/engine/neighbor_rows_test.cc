// SPDX-License-Identifier: BSD-3-Clause
// What `towpath neighbours` is told: both families, in order, with the age of what is known.
#include "dataplane/engine/neighbor_rows.h"

#include <gtest/gtest.h>

#include <chrono>

#include "dataplane/wire/ip_address.h"

namespace towpath::engine {
namespace {

constexpr InterfaceId kLan{0};
constexpr InterfaceId kWan{1};
constexpr MacAddress kMac{{0x02, 0, 0, 0, 0, 0x11}};

TEST(NeighborRows, AreOfBothFamiliesInOrder) {
    route::NeighborTable ipv4;
    ipv6::NeighborTable ipv6;
    const Ipv6Address far = *parse_ipv6_address("2001:db8::1");
    ipv6.confirm({kLan, far}, kMac, 90);
    ipv4.confirm({kWan, *parse_ipv4_address("192.0.2.1")}, kMac, 40);
    ipv4.set_state({kWan, *parse_ipv4_address("192.0.2.1")}, route::NeighborState::stale);
    ipv4.confirm({kLan, *parse_ipv4_address("10.77.1.12")}, kMac, 99);
    ipv4.confirm({kLan, *parse_ipv4_address("10.77.1.11")}, kMac, 101);
    auto rows = neighbor_rows(ipv4, ipv6, Now{} + std::chrono::seconds{100});
    sort_rows(rows);
    ASSERT_EQ(rows.size(), 4U);
    EXPECT_EQ(to_string(rows[0].address.address()), "10.77.1.11");
    EXPECT_EQ(rows[0].age_s, 0U) << "confirmed in a second that is not ours yet";
    EXPECT_EQ(to_string(rows[1].address.address()), "10.77.1.12");
    EXPECT_EQ(rows[1].age_s, 1U);
    EXPECT_EQ(rows[1].state, contract::NeighborState::reachable);
    EXPECT_EQ(rows[1].mac, kMac);
    EXPECT_EQ(rows[2].address.address(), IpAddress{far});
    EXPECT_EQ(rows[2].interface, 0);
    EXPECT_EQ(rows[3].interface, 1);
    EXPECT_EQ(rows[3].state, contract::NeighborState::stale);
    EXPECT_EQ(rows[3].age_s, 60U);
}

TEST(NeighborRows, AreNoneOfEmptyTables) {
    const route::NeighborTable ipv4;
    const ipv6::NeighborTable ipv6;
    EXPECT_TRUE(neighbor_rows(ipv4, ipv6, Now{}).empty());
}

}  // namespace
}  // namespace towpath::engine
