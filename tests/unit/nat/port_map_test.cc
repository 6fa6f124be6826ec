// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat/port_map.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

namespace towpath::nat {
namespace {

class Ports : public testing::Test {
protected:
    Ports() : map{std::make_unique<PortMap>()}, random{{1, 2, 3}, 0} {
        policy.port_first = 1024;
        policy.port_last = 65535;
    }
    std::optional<Port> claim(std::uint16_t wanted) {
        const PortPermissions permissions{policy};
        return claim_port(*map, permissions, Port{wanted}, random);
    }
    Policy policy;
    std::unique_ptr<PortMap> map;
    Random random;
};

TEST_F(Ports, AreClaimedOnce) {
    EXPECT_TRUE(map->claim(Port{5000}));
    EXPECT_FALSE(map->claim(Port{5000}));
    map->release(Port{5000});
    EXPECT_TRUE(map->claim(Port{5000}));
    EXPECT_EQ(map->taken(), 1U);
}

TEST_F(Ports, PermissionsFollowTheRangeAndTheReservedOnes) {
    policy.port_first = 1000;
    policy.port_last = 2001;
    policy.reserved_ports.set(1500);
    const PortPermissions permissions{policy};
    for (std::uint32_t port = 0; port <= 65535; ++port) {
        const bool expected = port >= 1000 && port <= 2001 && port != 1500;
        ASSERT_EQ(permissions.permits(Port{static_cast<std::uint16_t>(port)}), expected) << port;
    }
    EXPECT_TRUE(permissions.permits_low());
    EXPECT_TRUE(permissions.permits_high());
}

TEST_F(Ports, PortZeroIsNeverGiven) {
    policy.port_first = 0;
    const PortPermissions permissions{policy};
    EXPECT_FALSE(permissions.permits(Port{0}));
}

TEST_F(Ports, PreservesFirst) {
    EXPECT_EQ(claim(5000), Port{5000});
}

TEST_F(Ports, U03a_HighNeverBecomesLow) {
    policy.port_first = 1;
    ASSERT_TRUE(map->claim(Port{40000}));
    for (int count = 0; count < 1000; ++count) {
        ASSERT_GE(claim(40000)->number(), 1024);
    }
}

TEST_F(Ports, U03a_LowStaysLowWhileOneIsFree) {
    policy.port_first = 1;
    for (int count = 0; count < 1023; ++count) {
        ASSERT_LT(claim(500)->number(), 1024);
    }
    EXPECT_GE(claim(500)->number(), 1024);  // none is left
}

TEST_F(Ports, U03a_LowGoesHighWhereThePolicyHasNoLowPorts) {
    EXPECT_GE(claim(500)->number(), 1024);
}

TEST_F(Ports, U04_KeepsParityWhileItCan) {
    policy.port_last = 1024 + 199;
    for (int count = 0; count < 100; ++count) {
        ASSERT_EQ(claim(40001)->number() % 2, 1);
    }
    for (int count = 0; count < 100; ++count) {
        ASSERT_EQ(claim(40001)->number() % 2, 0);  // and never fails because of it
    }
    EXPECT_EQ(claim(40001), std::nullopt);  // one past the limit
}

TEST_F(Ports, EveryPortCanBeHeld) {
    std::size_t count = 0;
    while (claim(static_cast<std::uint16_t>(1024 + count % 7))) {
        ++count;
    }
    EXPECT_EQ(count, 64512U);
    EXPECT_EQ(map->taken(), 64512U);
}

TEST_F(Ports, IdentifiersAreAll65536) {
    std::size_t count = 0;
    while (claim_identifier(*map, PortPermissions::of_identifiers(policy), Port{0}, random)) {
        ++count;
    }
    EXPECT_EQ(count, 65536U);
}

// decisions.md N10.
TEST_F(Ports, IdentifiersOfTheHostAreNotGivenAway) {
    for (std::uint32_t port = 61000; port <= 65535; ++port) {
        policy.reserved_ports.set(port);
    }
    const PortPermissions identifiers = PortPermissions::of_identifiers(policy);
    for (int draw = 0; draw < 1000; ++draw) {
        EXPECT_LT(claim_identifier(*map, identifiers, Port{62000}, random)->number(), 61000);
    }
    EXPECT_EQ(*claim_identifier(*map, identifiers, Port{0}, random), Port{0});
}

TEST_F(Ports, C15_DrawnPortsAreUniform) {
    // Chi-square over 63 cells of 1024 ports, 10^5 draws, each released again.
    ASSERT_TRUE(map->claim(Port{40000}));
    std::vector<int> cells(63);
    constexpr int kDraws = 100000;
    const PortPermissions permissions{policy};
    for (int draw = 0; draw < kDraws; ++draw) {
        const Port port = *claim_port(*map, permissions, Port{40000}, random);
        ++cells[(port.number() - 1024U) / 1024U];
        map->release(port);
    }
    double chi_square = 0;
    for (const int count : cells) {
        const double expected = kDraws / 63.0;
        chi_square += (count - expected) * (count - expected) / expected;
    }
    EXPECT_LT(chi_square, 111.0);  // 62 degrees of freedom, p = 0.0001
}

TEST(RandomNumbers, Rfc8439Block) {
    // RFC 8439 section 2.3.2 with another nonce would be another block: this key and counter 0 and
    // nonce 0 are test vector 1 of its appendix A.1.
    Random random{{}, 0};
    EXPECT_EQ(random.next(), 0xADE0B876U);
    EXPECT_EQ(random.next(), 0x903DF1A0U);
    EXPECT_EQ(random.next(), 0xE56A5D40U);
}

TEST(RandomNumbers, WorkersDrawApart) {
    Random first{{1}, 0};
    Random second{{1}, 1};
    int same = 0;
    for (int count = 0; count < 100; ++count) {
        same += first.next() == second.next() ? 1 : 0;
    }
    EXPECT_EQ(same, 0);
}

}  // namespace
}  // namespace towpath::nat
