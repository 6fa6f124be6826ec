// SPDX-License-Identifier: BSD-3-Clause
// Indices (wireguard.md section 7), load and the source limiter (8.2, 8.3), the floor of time
// stamps (decisions.md W20).
#include "control/wireguard/load.h"

#include <gtest/gtest.h>

#include <set>

#include "control/wireguard/index_allocator.h"
#include "control/wireguard/timestamp.h"
#include "tests/unit/wireguard/seeded_random.h"

namespace towpath::control::wireguard {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

IpAddress address(std::string_view text) {
    return *parse_ip_address(text);
}

TEST(IndexAllocator, GivesEverySlotOnceAndThenNone) {
    IndexAllocator indices{42, 100};
    std::set<std::uint32_t> given;
    for (int i = 0; i < 100; ++i) {
        given.insert(indices.allocate().value());
    }
    EXPECT_EQ(given.size(), 100U);
    EXPECT_FALSE(indices.allocate());
    EXPECT_EQ(indices.in_use(), 100U);
    indices.free(*given.begin());
    const auto again = indices.allocate();
    ASSERT_TRUE(again);
    EXPECT_FALSE(given.contains(*again)) << "the slot's next generation";
    EXPECT_FALSE(indices.is_in_use(*given.begin()));
    EXPECT_TRUE(indices.is_in_use(*again));
}

TEST(IndexAllocator, ReusesASlotAsLateAsItCan) {
    IndexAllocator indices{42, 8};
    const auto first = indices.allocate().value();
    indices.free(first);
    const crypto::IndexPermutation permutation{42};
    for (int i = 0; i < 7; ++i) {
        EXPECT_NE(permutation.slot_of(*indices.allocate()).slot, permutation.slot_of(first).slot);
    }
    EXPECT_EQ(permutation.slot_of(*indices.allocate()).slot, permutation.slot_of(first).slot);
}

TEST(IndexAllocator, IgnoresWhatIsNotInUse) {
    IndexAllocator indices{7, 4};
    const auto index = indices.allocate().value();
    indices.free(index);
    indices.free(index);
    indices.free(index ^ 1U);
    EXPECT_EQ(indices.in_use(), 0U);
    std::set<std::uint32_t> given;
    while (const auto next = indices.allocate()) {
        given.insert(*next);
    }
    EXPECT_EQ(given.size(), 4U);
}

TEST(IndexAllocator, AdoptsWhatExists) {
    const crypto::IndexPermutation permutation{9};
    IndexAllocator indices{9, 4};
    const std::uint32_t existing = permutation.index_of({2, 77});
    EXPECT_TRUE(indices.adopt(existing));
    EXPECT_FALSE(indices.adopt(existing));
    EXPECT_FALSE(indices.adopt(permutation.index_of({4, 0}))) << "beyond the table";
    for (int i = 0; i < 3; ++i) {
        EXPECT_NE(permutation.slot_of(indices.allocate().value()).slot, 2U);
    }
    EXPECT_FALSE(indices.allocate());
    indices.free(existing);
    EXPECT_EQ(indices.allocate(), permutation.index_of({2, 78}));
}

TEST(UnderLoad, BeginsAtAnEighthAndStaysASecond) {
    UnderLoad load;
    const Now start{seconds{100}};
    EXPECT_FALSE(load.look(511, start));
    EXPECT_TRUE(load.look(512, start));
    EXPECT_TRUE(load.look(1, start + milliseconds{999}));
    EXPECT_FALSE(load.look(1, start + seconds{1}));
}

// The sequence of wireguard.md 8.3.
TEST(SourceLimiter, AllowsFiveAndThenTwentyPerSecond) {
    SeededRandom random{1};
    SourceLimiter limiter{random};
    Now now{seconds{100}};
    for (const std::string_view source : {"192.0.2.1", "2001:db8::1"}) {
        const IpAddress from = address(source);
        for (int i = 0; i < 5; ++i) {
            EXPECT_TRUE(limiter.allows(from, now)) << i;
        }
        EXPECT_FALSE(limiter.allows(from, now));
        now += milliseconds{50};
        EXPECT_TRUE(limiter.allows(from, now));
        EXPECT_FALSE(limiter.allows(from, now));
        now += milliseconds{100};
        EXPECT_TRUE(limiter.allows(from, now));
        EXPECT_TRUE(limiter.allows(from, now));
        EXPECT_FALSE(limiter.allows(from, now));
    }
    EXPECT_TRUE(limiter.allows(address("192.0.2.2"), now)) << "another IPv4 address";
    EXPECT_FALSE(limiter.allows(address("2001:db8::ffff:1"), now)) << "the same /64";
    EXPECT_TRUE(limiter.allows(address("2001:db8:0:1::1"), now)) << "another /64";
}

TEST(SourceLimiter, ForgetsIdleSourcesAndDeniesWhenFull) {
    SeededRandom random{1};
    SourceLimiter limiter{random};
    Now now{seconds{100}};
    for (std::uint32_t i = 0; i < SourceLimiter::kEntriesMax; ++i) {
        ASSERT_TRUE(limiter.allows(Ipv4Address{0x0A000000U + i}, now));
    }
    EXPECT_FALSE(limiter.allows(address("192.0.2.1"), now));
    EXPECT_TRUE(limiter.allows(Ipv4Address{0x0A000000U}, now)) << "who is in, stays in";
    now += milliseconds{1001};
    EXPECT_TRUE(limiter.allows(address("192.0.2.1"), now));
    EXPECT_EQ(limiter.size(), 1U);
}

TEST(SentFloor, HoldsOnlyAClockThatIsBelowIt) {
    const Timestamp kept = Timestamp::from_unix(1'700'000'000, 0);
    SentFloor floor{kept};
    EXPECT_EQ(floor.stamp(Timestamp::from_unix(1'700'000'001, 0)),
              Timestamp::from_unix(1'700'000'001, 0));
    EXPECT_EQ(floor.stamp(Timestamp::from_unix(0, 0)), Timestamp::from_unix(1'700'003'600, 0));
    EXPECT_EQ(floor.greatest(), kept);
    floor.note(Timestamp::from_unix(1'700'003'600, 0));
    floor.note(Timestamp::from_unix(5, 0));
    EXPECT_EQ(floor.greatest(), Timestamp::from_unix(1'700'003'600, 0));
    EXPECT_EQ(SentFloor{}.stamp(Timestamp::from_unix(5, 0)), Timestamp::from_unix(5, 0));
}

}  // namespace
}  // namespace towpath::control::wireguard
