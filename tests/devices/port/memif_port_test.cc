// SPDX-License-Identifier: BSD-3-Clause
// Two memif ports of one process, joined by a socket: a wire of shared memory.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include "dataplane/port/port.h"

namespace towpath::port {
namespace {

class MemifPort : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "towpath_memif_XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        auto pool = dpdk::PacketPool::create({.buffers = 8192, .largest_mtu_bytes = 1500});
        ASSERT_TRUE(pool.has_value()) << pool.error().sentence;
        pool_ = std::move(*pool);
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    PortRequest request(const char* name, bool is_server) const {
        PortRequest wanted{.name = name, .driver = Driver::memif};
        wanted.memif = {.socket_path = directory_ / "wire.sock", .id = 3, .is_server = is_server};
        return wanted;
    }
    // The two sides shake hands on a thread of DPDK; the deadline only ends a broken one.
    static bool comes_up(const Port& port) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{5};
        while (!port.is_up() && std::chrono::steady_clock::now() < deadline) {
            std::this_thread::yield();
        }
        return port.is_up();
    }

    std::filesystem::path directory_;
    std::unique_ptr<dpdk::PacketPool> pool_;
};

TEST_F(MemifPort, CarriesPacketsBothWays) {
    {
        auto server = Port::open(request("lan", true), *pool_);
        ASSERT_TRUE(server.has_value()) << server.error().sentence;
        EXPECT_FALSE(server->is_up());
        auto client = Port::open(request("wan", false), *pool_);
        ASSERT_TRUE(client.has_value()) << client.error().sentence;
        ASSERT_TRUE(comes_up(*server));
        ASSERT_TRUE(comes_up(*client));

        std::array<Packet, 32> sent;
        ASSERT_EQ(pool_->allocate(sent), 32U);
        for (std::size_t index = 0; index < sent.size(); ++index) {
            sent[index].length = static_cast<std::uint16_t>(60 + index);
            std::memset(sent[index].data(), static_cast<int>(index), sent[index].length);
        }
        ASSERT_EQ(client->transmit(0, sent), 32U);
        // No descriptor wakes for memif: the worker naps.
        std::vector<int> descriptors;
        server->append_descriptors(0, descriptors);
        EXPECT_TRUE(descriptors.empty());
        std::array<Packet, 64> received;
        ASSERT_EQ(server->receive(0, received), 32U);
        for (std::size_t index = 0; index < sent.size(); ++index) {
            EXPECT_EQ(received[index].length, 60 + index);
            EXPECT_EQ(received[index].bytes()[59], std::byte(index));
            EXPECT_GE(received[index].head, 128);
        }
        // The client gives the server room by polling once, as a worker does all the time.
        Packet none;
        ASSERT_EQ(client->receive(0, {&none, 1}), 0U);
        // And back: what was received leaves again without a copy of ours.
        ASSERT_EQ(server->transmit(0, std::span{received}.first(32)), 32U);
        ASSERT_EQ(client->receive(0, received), 32U);
        pool_->release(std::span{received}.first(32));
    }
    EXPECT_EQ(pool_->available(), pool_->buffers());
}

// A port whose other side is not there takes nothing: the caller keeps the packets.
TEST_F(MemifPort, WithoutAnotherSideNothingIsTaken) {
    auto server = Port::open(request("lan", true), *pool_);
    ASSERT_TRUE(server.has_value()) << server.error().sentence;
    Packet packet;
    ASSERT_EQ(pool_->allocate({&packet, 1}), 1U);
    packet.length = 60;
    EXPECT_EQ(server->transmit(0, {&packet, 1}), 0U);
    EXPECT_EQ(server->statistics().transmit_refused, 1U);
    pool_->release({&packet, 1});
}

}  // namespace
}  // namespace towpath::port
