// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dpdk/packet_io.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace towpath::dpdk {
namespace {

class PacketIo : public testing::Test {
protected:
    void SetUp() override {
        auto pool = PacketPool::create({.buffers = 512, .largest_mtu_bytes = 1500});
        ASSERT_TRUE(pool.has_value()) << pool.error().sentence;
        pool_ = std::move(*pool);
    }
    rte_mbuf* segment(std::uint16_t length, char fill) {
        rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool_->mempool());
        std::memset(rte_pktmbuf_append(mbuf, length), fill, length);
        return mbuf;
    }
    std::unique_ptr<PacketPool> pool_;
};

TEST_F(PacketIo, WritesTheWindowBackAndClearsWhatADeviceLeft) {
    rte_mbuf* const received = segment(100, 'a');
    received->ol_flags = RTE_MBUF_F_TX_IP_CKSUM;
    received->tx_offload = 14;
    Packet packet;
    take_from_device(*received, packet);
    packet.head -= 32;
    packet.length = 132;
    const rte_mbuf* const sent = mbuf_for_device(packet);
    EXPECT_EQ(sent, received);
    EXPECT_EQ(sent->data_off, 96);
    EXPECT_EQ(sent->data_len, 132);
    EXPECT_EQ(sent->pkt_len, 132U);
    EXPECT_EQ(sent->ol_flags, 0U);
    EXPECT_EQ(sent->tx_offload, 0U);
    pool_->release({&packet, 1});
}

// N13: one packet, one segment.
TEST_F(PacketIo, JoinsSegmentsThatFitInTheFirst) {
    rte_mbuf* const first = segment(600, 'a');
    ASSERT_EQ(rte_pktmbuf_chain(first, segment(700, 'b')), 0);
    Packet packet;
    take_from_device(*first, packet);
    EXPECT_EQ(packet.verdict, DropReason::none);
    ASSERT_EQ(packet.length, 1300);
    EXPECT_EQ(packet.bytes()[599], std::byte{'a'});
    EXPECT_EQ(packet.bytes()[600], std::byte{'b'});
    EXPECT_EQ(packet.bytes()[1299], std::byte{'b'});
    pool_->release({&packet, 1});
    EXPECT_EQ(pool_->available(), 512U);
}

// DropReason::multi_segment, provoked as far as a port sees it.
TEST_F(PacketIo, MarksSegmentsThatDoNotFitAndLeaksNone) {
    rte_mbuf* const first = segment(1400, 'a');
    ASSERT_EQ(rte_pktmbuf_chain(first, segment(1400, 'b')), 0);
    Packet packet;
    take_from_device(*first, packet);
    EXPECT_EQ(packet.verdict, DropReason::multi_segment);
    EXPECT_EQ(packet.length, 1400);
    pool_->release({&packet, 1});
    EXPECT_EQ(pool_->available(), 512U);
}

}  // namespace
}  // namespace towpath::dpdk
