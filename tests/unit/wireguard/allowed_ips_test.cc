// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/allowed_ips.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace towpath::wireguard {
namespace {

using testing::UnorderedElementsAre;

constexpr PeerId a = 0;
constexpr PeerId b = 1;
constexpr PeerId c = 2;
constexpr PeerId d = 3;
constexpr PeerId e = 4;
constexpr PeerId f = 5;
constexpr PeerId g = 6;
constexpr PeerId h = 7;

IpPrefix prefix(std::string_view text) {
    return parse_ip_prefix(text).value();
}

class AllowedIpsTest : public testing::Test {
protected:
    explicit AllowedIpsTest(std::uint32_t prefixes = 256) : table{prefixes, 8, quiescence} {}

    void insert(std::string_view text, PeerId peer) {
        ASSERT_TRUE(table.insert(prefix(text), peer).has_value()) << text;
    }
    [[nodiscard]] PeerId owner(std::string_view address) const {
        return table.find(parse_ip_address(address).value());
    }
    [[nodiscard]] std::vector<std::string> list(PeerId peer) const {
        std::vector<std::string> prefixes;
        table.for_each(peer, [&](const IpPrefix& each) { prefixes.push_back(to_string(each)); });
        return prefixes;
    }
    void insert_ipv4_list() {
        insert("192.168.4.0/24", a);
        insert("192.168.4.4/32", b);
        insert("192.168.0.0/16", c);
        insert("192.95.5.64/27", d);
        EXPECT_EQ(table.insert(prefix("192.95.5.65/27"), c), d);
        insert("0.0.0.0/0", e);
        insert("64.15.112.0/20", g);
        insert("64.15.123.211/25", h);
        insert("10.0.0.0/25", a);
        insert("10.0.0.128/25", b);
        insert("10.1.0.0/30", a);
        insert("10.1.0.4/30", b);
        insert("10.1.0.8/29", c);
        insert("10.1.0.16/29", d);
    }
    void insert_ipv6_list() {
        insert("2607:5300:6000:6b00::c05f:543/128", d);
        insert("2607:5300:6000:6b00::/64", c);
        insert("::/0", e);
        EXPECT_EQ(table.insert(prefix("::/0"), f), e);
        insert("2404:6800::/32", g);
        insert("2404:6800:4004:800:dead:beef:dead:beef/64", h);
        insert("2404:6800:4004:800:dead:beef:dead:beef/128", a);
    }

    Quiescence quiescence;
    AllowedIps table;
};

// wireguard.md 18.3.
TEST_F(AllowedIpsTest, Ipv4ListOfTheReference) {
    insert_ipv4_list();
    EXPECT_EQ(owner("192.168.4.20"), a);
    EXPECT_EQ(owner("192.168.4.4"), b);
    EXPECT_EQ(owner("192.168.200.182"), c);
    EXPECT_EQ(owner("192.95.5.68"), c);
    EXPECT_EQ(owner("192.95.5.96"), e);
    EXPECT_EQ(owner("64.15.116.26"), g);
    EXPECT_EQ(owner("64.15.123.1"), g);
    EXPECT_EQ(owner("64.15.123.128"), h);
    EXPECT_EQ(owner("10.0.0.52"), a);
    EXPECT_EQ(owner("10.0.0.220"), b);
    EXPECT_EQ(owner("10.1.0.10"), c);
    EXPECT_EQ(owner("10.1.0.20"), d);
}

TEST_F(AllowedIpsTest, Ipv6ListOfTheReference) {
    insert_ipv6_list();
    EXPECT_EQ(owner("2607:5300:6000:6b00::c05f:543"), d);
    EXPECT_EQ(owner("2607:5300:6000:6b00::c02e:1ee"), c);
    EXPECT_EQ(owner("2607:5300:6000:6b01::"), f);
    EXPECT_EQ(owner("2404:6800:4004:806::1006"), g);
    EXPECT_EQ(owner("2404:6800:4004:800:1234:5678::"), h);
    EXPECT_EQ(owner("2404:6800:4004:800:dead:beef:dead:beef"), a);
    EXPECT_EQ(owner("2404:67ff::1"), f);
}

// wireguard.md 18.3: after a peer is removed none of its prefixes match.
TEST_F(AllowedIpsTest, RemovedPeerOwnsNothing) {
    insert_ipv4_list();
    insert_ipv6_list();
    table.remove_all(a);
    EXPECT_EQ(owner("192.168.4.20"), c);
    EXPECT_EQ(owner("10.0.0.52"), e);
    EXPECT_EQ(owner("10.1.0.2"), e);
    EXPECT_EQ(owner("2404:6800:4004:800:dead:beef:dead:beef"), h);
    EXPECT_THAT(list(a), testing::IsEmpty());
    EXPECT_EQ(owner("192.168.4.4"), b);
}

TEST_F(AllowedIpsTest, RemovalLeavesAnEmptyTable) {
    insert("192.168.0.0/16", a);
    insert("192.168.0.0/24", a);
    EXPECT_EQ(owner("192.168.0.1"), a);
    table.remove_all(a);
    EXPECT_EQ(owner("192.168.0.1"), kNoPeer);
    EXPECT_EQ(owner("192.168.1.1"), kNoPeer);
    EXPECT_EQ(table.size(), 0U);
    EXPECT_EQ(table.node_count(), 0U);
}

TEST_F(AllowedIpsTest, InsertTellsThePreviousOwner) {
    EXPECT_EQ(table.insert(prefix("192.0.2.0/24"), a), kNoPeer);
    EXPECT_EQ(table.insert(prefix("192.0.2.0/24"), a), a);
    EXPECT_EQ(table.insert(prefix("192.0.2.0/24"), b), a);
    EXPECT_EQ(table.insert(prefix("2001:db8::/33"), b), kNoPeer);
    EXPECT_EQ(table.insert(prefix("2001:db8::/33"), c), b);
    EXPECT_EQ(table.size(), 2U);
    EXPECT_THAT(list(a), testing::IsEmpty());
    EXPECT_THAT(list(b), UnorderedElementsAre("192.0.2.0/24"));
    EXPECT_THAT(list(c), UnorderedElementsAre("2001:db8::/33"));
}

TEST_F(AllowedIpsTest, RemoveAsksForTheOwner) {
    insert("192.0.2.0/24", a);
    insert("192.0.2.0/25", b);
    EXPECT_FALSE(table.remove(prefix("192.0.2.0/24"), b));
    EXPECT_FALSE(table.remove(prefix("192.0.2.0/26"), b));
    EXPECT_EQ(owner("192.0.2.1"), b);
    EXPECT_TRUE(table.remove(prefix("192.0.2.0/25"), b));
    EXPECT_EQ(owner("192.0.2.1"), a);
    EXPECT_FALSE(table.remove(prefix("192.0.2.0/25"), b));
    EXPECT_EQ(table.owner_of(prefix("192.0.2.0/24")), a);
    EXPECT_EQ(table.owner_of(prefix("192.0.2.0/25")), kNoPeer);
}

// The families are two tables (wireguard.md 13): no mapped address crosses over.
TEST_F(AllowedIpsTest, FamiliesAreApart) {
    insert("0.0.0.0/0", a);
    EXPECT_EQ(owner("::ffff:192.0.2.1"), kNoPeer);
    insert("::/0", b);
    EXPECT_EQ(owner("::ffff:192.0.2.1"), b);
    EXPECT_EQ(owner("192.0.2.1"), a);
    EXPECT_EQ(table.find(IpAddress{}), kNoPeer);
}

TEST_F(AllowedIpsTest, ListsEveryPrefixOfAPeer) {
    insert_ipv4_list();
    insert_ipv6_list();
    EXPECT_THAT(list(a), UnorderedElementsAre("192.168.4.0/24", "10.0.0.0/25", "10.1.0.0/30",
                                              "2404:6800:4004:800:dead:beef:dead:beef/128"));
    EXPECT_THAT(list(h), UnorderedElementsAre("64.15.123.128/25", "2404:6800:4004:800::/64"));
    EXPECT_THAT(list(e), UnorderedElementsAre("0.0.0.0/0"));
}

// The depth test of wireguard.md 18.3.
TEST_F(AllowedIpsTest, DeepestTrie) {
    std::vector<IpPrefix> prefixes{prefix("::/128")};
    for (unsigned shift = 0; shift < 64; ++shift) {
        std::array<std::uint8_t, 16> upper;
        upper.fill(0xFF);
        std::array<std::uint8_t, 16> lower{};
        for (unsigned octet = 0; octet < 8; ++octet) {
            const auto part =
                static_cast<std::uint8_t>(~std::uint64_t{0} << shift >> (56 - 8 * octet));
            upper[octet] = part;
            lower[8 + octet] = part;
        }
        prefixes.emplace_back(Ipv6Address{upper}, std::uint8_t{128});
        prefixes.emplace_back(Ipv6Address{lower}, std::uint8_t{128});
    }
    for (std::size_t each = 0; each < prefixes.size(); ++each) {
        ASSERT_TRUE(table.insert(prefixes[each], static_cast<PeerId>(each % 8)).has_value());
    }
    for (std::size_t each = 0; each < prefixes.size(); ++each) {
        EXPECT_EQ(table.find(prefixes[each].address()), each % 8) << to_string(prefixes[each]);
    }
    for (PeerId peer = 0; peer < 8; ++peer) {
        table.remove_all(peer);
    }
    EXPECT_EQ(table.size(), 0U);
    EXPECT_EQ(table.node_count(), 0U);
    EXPECT_EQ(table.find(prefixes[0].address()), kNoPeer);
}

class SmallAllowedIps : public AllowedIpsTest {
protected:
    SmallAllowedIps() : AllowedIpsTest{4} {}
};

TEST_F(SmallAllowedIps, FullTableRefusesButMoves) {
    insert("192.0.2.0/32", a);
    insert("192.0.2.1/32", a);
    insert("2001:db8::1/128", a);
    insert("2001:db8::2/128", a);
    EXPECT_EQ(table.insert(prefix("192.0.2.2/32"), b), std::nullopt);
    EXPECT_EQ(table.insert(prefix("2001:db8::3/128"), b), std::nullopt);
    EXPECT_EQ(owner("192.0.2.2"), kNoPeer);
    EXPECT_EQ(table.insert(prefix("192.0.2.1/32"), b), a);
    EXPECT_TRUE(table.remove(prefix("2001:db8::1/128"), a));
    EXPECT_EQ(table.insert(prefix("192.0.2.2/32"), b), kNoPeer);
    EXPECT_EQ(owner("192.0.2.2"), b);
}

// What was removed is used again only after every worker has passed.
TEST_F(SmallAllowedIps, RoomOfRemovedPrefixesComesBackWhenWorkersPass) {
    quiescence.come_online(0);
    const auto turn_over = [&](int turns) {
        for (int turn = 0; turn < turns; ++turn) {
            const std::string text = "2001:db8::" + std::to_string(turn % 9) + "/128";
            if (!table.insert(prefix(text), a).has_value()) {
                return turn;
            }
            table.remove(prefix(text), a);
        }
        return turns;
    };
    const int until_refused = turn_over(1000);
    EXPECT_GT(until_refused, 4);
    EXPECT_LT(until_refused, 1000);
    EXPECT_EQ(turn_over(1), 0);
    // What was removed before the token of the moment, then what was removed after it.
    quiescence.pass(0);
    const int first_part = turn_over(1000);
    EXPECT_GT(first_part, 0);
    quiescence.pass(0);
    EXPECT_GT(turn_over(1000), first_part);
    quiescence.go_offline(0);
    EXPECT_EQ(turn_over(1000), 1000);
}

}  // namespace
}  // namespace towpath::wireguard
