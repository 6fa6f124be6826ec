// SPDX-License-Identifier: BSD-3-Clause
// Longest-prefix match and prefix sets against a linear scan, for random prefixes that nest and
// collide on purpose.
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "dataplane/packet/prefix_set.h"
#include "dataplane/route/route_table.h"

namespace towpath::route {
namespace {

using Random = std::mt19937;

Ipv4Address random_address(Random& random) {
    // Few distinct high bits, so that prefixes meet; edges of every stride now and then.
    const auto bits = static_cast<std::uint32_t>((random() % 4 << 30U) | (random() % 3 << 22U) |
                                                 (random() % 5 << 14U) | (random() & 0x3FFFU));
    switch (random() % 8) {
        case 0:
            return Ipv4Address{bits | 0xFFFFU};
        case 1:
            return Ipv4Address{bits & 0xFFFF0000U};
        case 2:
            return Ipv4Address{static_cast<std::uint32_t>(random())};
        default:
            return Ipv4Address{bits};
    }
}
Ipv4Prefix random_prefix(Random& random) {
    return Ipv4Prefix{random_address(random), static_cast<std::uint8_t>(random() % 33)};
}

Route by_scan(const std::vector<RouteEntry>& entries, Ipv4Address destination) {
    Route best;
    int best_length = -1;
    for (const RouteEntry& entry : entries) {
        if (entry.prefix.contains(destination) && entry.prefix.length() >= best_length) {
            best = entry.route;
            best_length = entry.prefix.length();
        }
    }
    return best;
}

// What to ask about: anywhere, and both sides of every edge of a prefix.
std::vector<Ipv4Address> questions(const std::vector<Ipv4Prefix>& prefixes, Random& random) {
    std::vector<Ipv4Address> asked;
    for (int any = 0; any < 300; ++any) {
        asked.push_back(random_address(random));
    }
    for (const Ipv4Prefix& prefix : prefixes) {
        asked.push_back(prefix.address());
        asked.push_back(prefix.broadcast());
        asked.push_back(Ipv4Address{prefix.address().bits() - 1});
        asked.push_back(Ipv4Address{prefix.broadcast().bits() + 1});
    }
    return asked;
}

TEST(RouteTableProperty, AgreesWithALinearScan) {
    for (std::uint32_t seed = 1; seed <= 60; ++seed) {
        Random random{seed};
        std::vector<RouteEntry> entries(random() % 200);
        std::vector<Ipv4Prefix> prefixes;
        for (RouteEntry& entry : entries) {
            entry.prefix = random_prefix(random);
            entry.route = {static_cast<RouteKind>(random() % 4),
                           static_cast<InterfaceId>(random() % 4),
                           Ipv4Address{static_cast<std::uint32_t>(random() % 50)}};
            prefixes.push_back(entry.prefix);
        }
        const Outcome<RouteTable> table = RouteTable::build(entries);
        ASSERT_TRUE(table.has_value());
        for (const Ipv4Address destination : questions(prefixes, random)) {
            ASSERT_EQ(table->find(destination), by_scan(entries, destination))
                << "seed " << seed << ", " << to_string(destination);
        }
    }
}

TEST(PrefixSetProperty, AgreesWithALinearScan) {
    for (std::uint32_t seed = 1; seed <= 60; ++seed) {
        Random random{seed};
        std::vector<Ipv4Prefix> prefixes(random() % 40);
        for (Ipv4Prefix& prefix : prefixes) {
            prefix =
                Ipv4Prefix{random_address(random), static_cast<std::uint8_t>(8 + random() % 25)};
        }
        const PrefixSet set{prefixes};
        for (const Ipv4Address address : questions(prefixes, random)) {
            bool is_in = false;
            for (const Ipv4Prefix& prefix : prefixes) {
                is_in = is_in || prefix.contains(address);
            }
            ASSERT_EQ(set.contains(address), is_in)
                << "seed " << seed << ", " << to_string(address);
        }
    }
}

}  // namespace
}  // namespace towpath::route
