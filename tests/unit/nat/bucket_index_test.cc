// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat/bucket_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "dataplane/nat/keyed_hash.h"

namespace towpath::nat {
namespace {

class Index : public testing::Test {
protected:
    explicit Index(std::size_t entries = 10000)
        : buckets(BucketIndex::bucket_count(entries)), index{buckets.data(), buckets.size()} {}
    EntryIndex find(std::uint32_t hash, EntryIndex entry) {
        return index.find(hash, [entry](EntryIndex candidate) { return candidate == entry; });
    }
    std::vector<BucketIndex::Bucket> buckets;
    BucketIndex index;
};

TEST_F(Index, FindsWhatWasInsertedAndNothingElse) {
    ASSERT_TRUE(index.insert(0x12345678, 7));
    EXPECT_EQ(find(0x12345678, 7), 7U);
    EXPECT_EQ(index.guess(0x12345678), 7U);
    EXPECT_EQ(find(0x12345678, 8), kNoEntry);
    EXPECT_EQ(find(0x12345679, 7), kNoEntry);  // another signature
}

TEST_F(Index, UnpublishedEntriesAreNotFoundAndKeepTheirPlace) {
    ASSERT_TRUE(index.insert(5, 7));
    index.unpublish(5, 7);
    EXPECT_EQ(find(5, 7), kNoEntry);
    EXPECT_EQ(index.guess(5), kNoEntry);
    ASSERT_TRUE(index.insert(5, 8));  // the same key, made anew
    EXPECT_EQ(find(5, 8), 8U);
    index.republish(5, 7);
    EXPECT_EQ(find(5, 7), 7U);
    index.unpublish(5, 7);
    index.erase(5, 7);
    EXPECT_EQ(find(5, 8), 8U);
}

TEST_F(Index, AFullBucketSpillsAndStillFinds) {
    for (EntryIndex entry = 1; entry <= 40; ++entry) {
        ASSERT_TRUE(index.insert(9, entry));
    }
    for (EntryIndex entry = 1; entry <= 40; ++entry) {
        EXPECT_EQ(find(9, entry), entry);
    }
    index.unpublish(9, 3);
    index.erase(9, 3);
    for (EntryIndex entry = 13; entry <= 40; ++entry) {
        EXPECT_EQ(find(9, entry), entry);  // those that went by are still reached
    }
}

TEST_F(Index, KeysThatAllMeetAreRefusedAtTheStatedLimit) {
    const auto most = static_cast<EntryIndex>(BucketIndex::kSlots * BucketIndex::kProbeMax);
    for (EntryIndex entry = 1; entry <= most; ++entry) {
        ASSERT_TRUE(index.insert(9, entry));
    }
    EXPECT_FALSE(index.insert(9, most + 1));
    EXPECT_EQ(find(9, most), most);
}

class LargeIndex : public Index {
protected:
    static constexpr std::size_t kEntries = 300000;
    LargeIndex() : Index{kEntries} {}
};

TEST_F(LargeIndex, HoldsAsManyAsItWasSizedFor) {
    const HashKey key{0x1234567812345678, 0xABCDEF};
    for (EntryIndex entry = 1; entry <= kEntries; ++entry) {
        ASSERT_TRUE(index.insert(keyed_hash(key, entry, 0), entry));
    }
    for (EntryIndex entry = 1; entry <= kEntries; entry += 97) {
        ASSERT_EQ(find(keyed_hash(key, entry, 0), entry), entry);
    }
}

TEST_F(Index, AgreesWithAMapUnderRandomChange) {
    std::mt19937 random{1};
    std::map<EntryIndex, std::uint32_t> present;
    for (int step = 0; step < 50000; ++step) {
        const auto entry = static_cast<EntryIndex>(1 + random() % 5000);
        const auto found = present.find(entry);
        if (found == present.end()) {
            const auto hash = static_cast<std::uint32_t>(random() % 64) << 26U;  // few homes
            if (present.size() < 4000) {
                ASSERT_TRUE(index.insert(hash, entry));
                present[entry] = hash;
            }
        } else {
            ASSERT_EQ(find(found->second, entry), entry);
            index.unpublish(found->second, entry);
            index.erase(found->second, entry);
            ASSERT_EQ(find(found->second, entry), kNoEntry);
            present.erase(found);
        }
    }
    for (const auto& [entry, hash] : present) {
        ASSERT_EQ(find(hash, entry), entry);
    }
}

TEST(KeyedHash, OtherKeysGiveOtherBuckets) {
    int same = 0;
    for (std::uint64_t value = 0; value < 1000; ++value) {
        same +=
            (keyed_hash({1, 2}, value, 0) >> 22U) == (keyed_hash({3, 4}, value, 0) >> 22U) ? 1 : 0;
    }
    EXPECT_LT(same, 20);
}

}  // namespace
}  // namespace towpath::nat
