// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route/neighbor_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/builders/packet_builder.h"

namespace towpath::route {
namespace {

NeighborKey key(std::uint32_t host) {
    return {InterfaceId{1}, Ipv4Address{0xC0000200U + host}};
}
MacAddress mac(std::uint8_t last) {
    return MacAddress{{2, 0, 0, 0, 0, last}};
}

TEST(NeighborTable, FindsWhatWasConfirmedOnItsInterface) {
    NeighborTable table;
    EXPECT_FALSE(table.find(key(1)).has_value());
    table.confirm(key(1), mac(7), 100);
    EXPECT_EQ(table.find(key(1)), mac(7));
    EXPECT_FALSE(table.find({InterfaceId{0}, key(1).address}).has_value());
    table.confirm(key(1), mac(8), 101);
    EXPECT_EQ(table.find(key(1)), mac(8));
    table.remove(key(1));
    EXPECT_FALSE(table.find(key(1)).has_value());
}

TEST(NeighborTable, StaleEntriesAreUsedAndMarked) {
    NeighborTable table;
    table.confirm(key(1), mac(7), 100);
    table.set_state(key(1), NeighborState::stale);
    EXPECT_EQ(table.find(key(1)), mac(7));
    bool was_used = false;
    for (std::size_t index = 0; index < kNeighborsMax; ++index) {
        was_used = was_used || table.entry(index).was_used;
    }
    EXPECT_TRUE(was_used);
    EXPECT_EQ(table.state_of(key(1)), NeighborState::stale);
}

TEST(NeighborTable, AnInterfaceThatGoesTakesItsNeighboursAlong) {
    NeighborTable table;
    table.confirm(key(1), mac(1), 1);
    table.confirm({InterfaceId{2}, Ipv4Address{9}}, mac(2), 1);
    table.remove_interface(InterfaceId{1});
    EXPECT_FALSE(table.find(key(1)).has_value());
    EXPECT_TRUE(table.find({InterfaceId{2}, Ipv4Address{9}}).has_value());
}

// More than the table holds: the oldest of a full bucket go, the newest are always found.
TEST(NeighborTable, FullBucketReplacesTheOldest) {
    NeighborTable table;
    for (std::uint32_t host = 0; host < 4 * kNeighborsMax; ++host) {
        table.confirm(key(host), mac(static_cast<std::uint8_t>(host)), host);
        ASSERT_EQ(table.find(key(host)), mac(static_cast<std::uint8_t>(host)));
    }
    std::size_t entries = 0;
    for (std::size_t index = 0; index < kNeighborsMax; ++index) {
        entries += table.entry(index).state == NeighborState::none ? 0U : 1U;
    }
    EXPECT_EQ(entries, kNeighborsMax);
}

// A reader never gets the MAC of another neighbour, however often a slot changes hands.
TEST(NeighborTable, ReadersNeverSeeAnothersMac) {
    NeighborTable table;
    std::atomic<bool> is_done{false};
    std::atomic<std::size_t> wrong{0};
    std::thread reader{[&] {
        while (!is_done.load()) {
            for (std::uint32_t host = 0; host < 256; ++host) {
                const std::optional<MacAddress> found = table.find(key(host));
                if (found.has_value() && *found != mac(static_cast<std::uint8_t>(host))) {
                    ++wrong;
                }
            }
        }
    }};
    for (std::uint32_t round = 0; round < 300; ++round) {
        for (std::uint32_t host = 0; host < 256; ++host) {
            table.confirm(key(host), mac(static_cast<std::uint8_t>(host)), round);
        }
        for (std::uint32_t host = 0; host < 256; ++host) {
            table.remove(key(host));
        }
    }
    is_done = true;
    reader.join();
    EXPECT_EQ(wrong.load(), 0U);
}

}  // namespace
}  // namespace towpath::route
