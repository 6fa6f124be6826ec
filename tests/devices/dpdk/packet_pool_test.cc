// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dpdk/packet_pool.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

#include "dataplane/dpdk/eal.h"
#include "tests/builders/started_eal.h"

namespace towpath::dpdk {
namespace {

TEST(PacketPool, GivesEmptyWindowsWithHeadAndTailRoomForTheLargestMtu) {
    auto pool = PacketPool::create({.buffers = 1024, .largest_mtu_bytes = 9000});
    ASSERT_TRUE(pool.has_value()) << pool.error().sentence;
    std::vector<Packet> packets(1);
    ASSERT_EQ((*pool)->allocate(packets), 1U);
    EXPECT_EQ(packets[0].head, 128);
    EXPECT_EQ(packets[0].length, 0);
    // N13: largest MTU + 18 + 64 behind the head-room.
    EXPECT_GE(packets[0].tail_room(), 9000U + 18 + 64);
    (*pool)->release(packets);
}

TEST(PacketPool, GivesEveryBufferOnceAndThenNoMore) {
    auto pool = PacketPool::create({.buffers = 1024, .largest_mtu_bytes = 1500});
    ASSERT_TRUE(pool.has_value()) << pool.error().sentence;
    std::vector<Packet> packets(1025);
    ASSERT_EQ((*pool)->allocate(packets), 1024U);
    std::set<std::byte*> distinct;
    for (std::size_t index = 0; index < 1024; ++index) {
        distinct.insert(packets[index].buffer);
    }
    EXPECT_EQ(distinct.size(), 1024U);
    EXPECT_EQ((*pool)->allocate(std::span{packets}.last(1)), 0U);
    (*pool)->release(std::span{packets}.first(1024));
    EXPECT_EQ((*pool)->available(), 1024U);
}

TEST(PacketPool, AWindowThatStagesMovedIsFreshWhenGivenAgain) {
    auto pool = PacketPool::create({.buffers = 512, .largest_mtu_bytes = 1500});
    ASSERT_TRUE(pool.has_value()) << pool.error().sentence;
    std::vector<Packet> packets(512);
    ASSERT_EQ((*pool)->allocate(packets), 512U);
    for (Packet& packet : packets) {
        packet.head = 20;
        packet.length = 77;
    }
    (*pool)->release(packets);
    ASSERT_EQ((*pool)->allocate(packets), 512U);
    for (const Packet& packet : packets) {
        EXPECT_EQ(packet.head, 128);
        EXPECT_EQ(packet.length, 0);
    }
    (*pool)->release(packets);
}

TEST(PacketPool, RefusesWhatIsOutsideItsLimits) {
    EXPECT_EQ(PacketPool::create({.buffers = 511, .largest_mtu_bytes = 1500}).error().exit_code,
              ExitCode::usage);
    EXPECT_EQ(PacketPool::create({.buffers = kBuffersMaximum + 1, .largest_mtu_bytes = 1500})
                  .error()
                  .exit_code,
              ExitCode::usage);
    EXPECT_EQ(PacketPool::create({.buffers = 512, .largest_mtu_bytes = 9217}).error().exit_code,
              ExitCode::usage);
    EXPECT_EQ(PacketPool::create({.buffers = 512, .largest_mtu_bytes = 67}).error().exit_code,
              ExitCode::usage);
    EXPECT_TRUE(PacketPool::create({.buffers = 512, .largest_mtu_bytes = 9216}).has_value());
}

TEST(PacketPool, MoreThanMemoryIsOneSentenceWithItsExitCode) {
    const auto pool = PacketPool::create({.buffers = 1U << 20U, .largest_mtu_bytes = 9000});
    ASSERT_FALSE(pool.has_value());
    EXPECT_EQ(pool.error().exit_code, ExitCode::no_memory);
    EXPECT_NE(pool.error().sentence.find("1048576 buffers"), std::string::npos);
}

// The estimate must hold the pool it was made for: EAL was started with kMemory_bytes.
TEST(PacketPool, MemoryEstimateCoversThePoolAndIsNotWasteful) {
    const PacketPoolRequest request{.buffers = 16384, .largest_mtu_bytes = 1500};
    const std::size_t estimate = PacketPool::memory_bytes(request);
    auto pool = PacketPool::create(request);
    ASSERT_TRUE(pool.has_value()) << pool.error().sentence;
    const PoolMemory memory = (*pool)->memory();
    ASSERT_TRUE(memory.is_contiguous);
    EXPECT_GE(estimate, memory.length_bytes);
    EXPECT_LE(estimate, memory.length_bytes + memory.length_bytes / 4 + (16U << 20U));
    EXPECT_GE(memory.stride_bytes, (*pool)->data_room_bytes());
}

TEST(ThreadRegistration, LetsAThreadKeepBuffersInItsOwnCache) {
    auto pool = PacketPool::create({.buffers = 1024, .largest_mtu_bytes = 1500});
    ASSERT_TRUE(pool.has_value()) << pool.error().sentence;
    std::thread worker{[&pool] {
        auto registration = ThreadRegistration::register_this_thread();
        ASSERT_TRUE(registration.has_value()) << registration.error().sentence;
        std::vector<Packet> packets(32);
        ASSERT_EQ((*pool)->allocate(packets), 32U);
        (*pool)->release(packets);
    }};
    worker.join();
    EXPECT_EQ((*pool)->available(), 1024U);
}

TEST(Eal, StartsOnlyOnce) {
    const auto second = Eal::start({.run_directory = "unused",
                                    .instance = "second",
                                    .memory_bytes = 0,
                                    .pci_addresses = {},
                                    .may_use_hugepages = false});
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().exit_code, ExitCode::usage);
}

}  // namespace
}  // namespace towpath::dpdk
