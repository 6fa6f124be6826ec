// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/batch.h"

#include <gtest/gtest.h>

namespace towpath {
namespace {

TEST(Batch, IsConservedOnlyWhenEveryPacketHasLeft) {
    Batch batch;
    batch.admit(2, Lane::parse);
    EXPECT_FALSE(batch.is_conserved());
    batch.put(0, Lane::transmit);
    EXPECT_FALSE(batch.is_conserved());
    batch.drop(1, DropReason::frame_truncated);
    EXPECT_TRUE(batch.is_conserved());
    EXPECT_EQ(batch[1].verdict, DropReason::frame_truncated);
}

TEST(Batch, IsNotConservedWhenAPacketLeavesTwice) {
    Batch batch;
    batch.admit(1, Lane::parse);
    batch.put(0, Lane::transmit);
    batch.put(0, Lane::punt);
    EXPECT_FALSE(batch.is_conserved());
}

TEST(Batch, RefusesAPacketBeyondItsCapacity) {
    Batch batch;
    for (std::size_t count = 0; count < kBatchCapacity; ++count) {
        ASSERT_TRUE(batch.admit(Packet{}, Lane::classify));
    }
    EXPECT_FALSE(batch.admit(Packet{}, Lane::classify));
    EXPECT_EQ(batch.room(), 0U);
}

TEST(Batch, OriginatesFromSparesUntilThereAreNone) {
    Batch batch;
    EXPECT_FALSE(batch.originate().has_value());
    batch.add_spare(Packet{});
    const auto index = batch.originate();
    ASSERT_TRUE(index.has_value());
    EXPECT_TRUE(batch[*index].is_originated);
    EXPECT_FALSE(batch.originate().has_value());
    EXPECT_EQ(batch.size(), 1U);
}

TEST(Batch, HandsOffWithTheLaneToResumeIn) {
    Batch batch;
    batch.admit(1, Lane::nat_outbound);
    batch.hand_off(0, 3, Lane::nat_outbound);
    EXPECT_EQ(batch[0].target_worker, 3);
    EXPECT_EQ(batch[0].resume, Lane::nat_outbound);
    EXPECT_TRUE(batch.is_conserved());
}

}  // namespace
}  // namespace towpath
