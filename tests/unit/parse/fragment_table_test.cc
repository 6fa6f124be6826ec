// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/parse/fragment_table.h"

#include <gtest/gtest.h>

#include "dataplane/packet/prefix_set.h"
#include "tests/builders/packet_builder.h"

namespace towpath::parse {
namespace {

using Verdict = FragmentRanges::Verdict;

FragmentKey key(std::uint16_t identification, std::uint32_t source = 0x0A4D0102) {
    return {Ipv4Address{source}, builders::address("198.51.100.1"), identification, 17,
            InterfaceRole::inside};
}

TEST(FragmentRanges, TellsDuplicateFromOverlap) {
    FragmentRanges ranges;
    EXPECT_EQ(ranges.record(0, 800), Verdict::fresh);
    EXPECT_EQ(ranges.record(800, 1600), Verdict::fresh);
    EXPECT_EQ(ranges.record(800, 1600), Verdict::duplicate);
    EXPECT_EQ(ranges.record(792, 1600), Verdict::overlap);
    EXPECT_EQ(ranges.record(0, 1600), Verdict::overlap);
    EXPECT_EQ(ranges.record(1592, 2000), Verdict::overlap);
    EXPECT_EQ(ranges.record(1600, 2000), Verdict::fresh);
}

// BAD-FRAG-04: 8192 pieces of 8 bytes in order fit, because pieces that touch are joined.
TEST(FragmentRanges, TakesAWholeDatagramOfSmallestPieces) {
    FragmentRanges ranges;
    for (std::uint32_t first = 0; first + 8 <= 65528; first += 8) {
        ASSERT_EQ(ranges.record(first, first + 8), Verdict::fresh) << first;
    }
    EXPECT_EQ(ranges.record(0, 8), Verdict::overlap);
}

TEST(FragmentRanges, IsFullAtSixtyFourPiecesThatDoNotTouch) {
    FragmentRanges ranges;
    std::uint32_t first = 0;
    for (std::size_t piece = 0; piece < FragmentRanges::kRangesMax; ++piece, first += 16) {
        ASSERT_EQ(ranges.record(first, first + 8), Verdict::fresh);
    }
    EXPECT_EQ(ranges.record(first, first + 8), Verdict::full);
}

TEST(FragmentTable, LimitOfContextsPerSource) {
    FragmentTable table{{.contexts = 100, .contexts_per_source = 64}};
    for (std::uint16_t id = 0; id < 64; ++id) {
        ASSERT_NE(table.create(key(id), FragmentStanding::resolved, Now{}), nullptr);
    }
    EXPECT_EQ(table.create(key(64), FragmentStanding::resolved, Now{}), nullptr);
    EXPECT_NE(table.create(key(0, 0x0A4D0103), FragmentStanding::resolved, Now{}), nullptr);
}

TEST(FragmentTable, EvictsTheOldestThatWaitsAndNeverTheResolved) {
    FragmentTable table{{.contexts = 3}};
    builders::Frame frame = builders::udp();
    FragmentContext* resolved = table.create(key(1), FragmentStanding::resolved, Now{});
    FragmentContext* oldest = table.create(key(2), FragmentStanding::waiting, Now{});
    ASSERT_EQ(table.hold(*oldest, frame.packet), DropReason::none);
    ASSERT_NE(table.create(key(3), FragmentStanding::waiting, Now{}), nullptr);
    ASSERT_NE(table.create(key(4), FragmentStanding::resolved, Now{}), nullptr);
    EXPECT_EQ(table.find(key(1)), resolved);
    EXPECT_EQ(table.find(key(2)), nullptr);
    EXPECT_NE(table.find(key(3)), nullptr);
    ASSERT_TRUE(table.has_given_up());
    EXPECT_EQ(table.take_given_up().verdict, DropReason::fragment_contexts_full);
    ASSERT_NE(table.create(key(5), FragmentStanding::resolved, Now{}), nullptr);
    EXPECT_EQ(table.create(key(6), FragmentStanding::resolved, Now{}), nullptr);
}

TEST(FragmentTable, LimitsOfHeldFragments) {
    builders::Frame frame = builders::udp();
    FragmentTable table{{.contexts = 4, .held_per_datagram = 2, .held = 3}};
    FragmentContext* one = table.create(key(1), FragmentStanding::waiting, Now{});
    FragmentContext* two = table.create(key(2), FragmentStanding::waiting, Now{});
    EXPECT_EQ(table.hold(*one, frame.packet), DropReason::none);
    EXPECT_EQ(table.hold(*one, frame.packet), DropReason::none);
    EXPECT_EQ(table.hold(*one, frame.packet), DropReason::fragment_queue_full);
    EXPECT_EQ(table.hold(*two, frame.packet), DropReason::none);
    EXPECT_EQ(table.hold(*two, frame.packet), DropReason::fragment_queue_full);
    EXPECT_EQ(table.held_count(), 3U);
}

TEST(FragmentTable, LimitOfHeldBytes) {
    builders::Frame frame = builders::udp();
    FragmentTable table{{.contexts = 4, .held_bytes = std::size_t{2} * frame.packet.length}};
    FragmentContext* context = table.create(key(1), FragmentStanding::waiting, Now{});
    EXPECT_EQ(table.hold(*context, frame.packet), DropReason::none);
    EXPECT_EQ(table.hold(*context, frame.packet), DropReason::none);
    EXPECT_EQ(table.hold(*context, frame.packet), DropReason::fragment_queue_full);
}

TEST(FragmentTable, ExpiresFromTheFirstArrivalWithinABudget) {
    FragmentTable table{{.contexts = 4, .timeout = std::chrono::seconds{5}}};
    const Now start{std::chrono::seconds{100}};
    ASSERT_NE(table.create(key(1), FragmentStanding::waiting, start), nullptr);
    ASSERT_NE(table.create(key(2), FragmentStanding::resolved, start), nullptr);
    table.expire(start + std::chrono::milliseconds{4999}, 10);
    EXPECT_EQ(table.context_count(), 2U);
    table.expire(start + std::chrono::seconds{5}, 1);
    EXPECT_EQ(table.context_count(), 1U);
    table.expire(start + std::chrono::seconds{5}, 1);
    EXPECT_EQ(table.context_count(), 0U);
}

TEST(FragmentTable, ManyContextsComeAndGoWithoutLoss) {
    FragmentTable table{{.contexts = 64, .contexts_per_source = 1000}, 0x1234567};
    Now now{};
    for (std::uint32_t round = 0; round < 10000; ++round) {
        const auto id = static_cast<std::uint16_t>(round);
        ASSERT_NE(table.create(key(id), FragmentStanding::waiting, now), nullptr);
        ASSERT_NE(table.find(key(id)), nullptr);
        EXPECT_LE(table.context_count(), 64U);
        now += std::chrono::milliseconds{10};
    }
    table.end_all();
    EXPECT_EQ(table.context_count(), 0U);
    EXPECT_EQ(table.held_count(), 0U);
}

TEST(PrefixSet, HoldsWhatItsPrefixesHold) {
    const std::vector<Ipv4Prefix> prefixes{
        builders::prefix("10.77.2.0/24"), builders::prefix("10.77.1.0/24"),
        builders::prefix("10.77.2.128/25"), builders::prefix("255.255.255.0/24"),
        builders::prefix("192.0.2.7/32")};
    const PrefixSet set{prefixes};
    EXPECT_TRUE(set.contains(builders::address("10.77.1.0")));
    EXPECT_TRUE(set.contains(builders::address("10.77.2.255")));
    EXPECT_TRUE(set.contains(builders::address("192.0.2.7")));
    EXPECT_TRUE(set.contains(builders::address("255.255.255.255")));
    EXPECT_FALSE(set.contains(builders::address("10.77.0.255")));
    EXPECT_FALSE(set.contains(builders::address("10.77.3.0")));
    EXPECT_FALSE(set.contains(builders::address("192.0.2.6")));
    EXPECT_FALSE(PrefixSet{}.contains(builders::address("192.0.2.6")));
}

}  // namespace
}  // namespace towpath::parse
