// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "dataplane/port/port.h"
#include "tests/builders/capture_file.h"
#include "tests/builders/started_eal.h"

namespace towpath::port {
namespace {

using Frames = builders::CapturedFrames;
using builders::read_capture;
using builders::write_capture;

class PcapPort : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "towpath_pcap_XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        auto pool = dpdk::PacketPool::create({.buffers = 2048, .largest_mtu_bytes = 1500});
        ASSERT_TRUE(pool.has_value()) << pool.error().sentence;
        pool_ = std::move(*pool);
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    PortRequest request() const {
        PortRequest wanted{.name = "lan", .driver = Driver::pcap};
        wanted.receive_queues = 2;
        wanted.pcap.receive_file = directory_ / "in.pcap";
        wanted.pcap.transmit_file = directory_ / "out.pcap";
        return wanted;
    }

    std::filesystem::path directory_;
    std::unique_ptr<dpdk::PacketPool> pool_;
};

TEST_F(PcapPort, ReplaysInAndCapturesOutTheSameBytes) {
    Frames frames;
    for (std::size_t number = 0; number < 100; ++number) {
        frames.emplace_back(60 + number, std::byte(number));
    }
    write_capture(directory_ / "in.pcap", frames);
    {
        auto port = Port::open(request(), *pool_);
        ASSERT_TRUE(port.has_value()) << port.error().sentence;
        EXPECT_EQ(port->driver(), Driver::pcap);
        EXPECT_EQ(port->receive_queue_count(), 1);
        EXPECT_EQ(port->notes().size(), 1U);  // one queue instead of two is said
        std::vector<Packet> packets(256);
        std::size_t received = 0;
        while (const std::size_t more = port->receive(0, std::span{packets}.subspan(received))) {
            received += more;
        }
        ASSERT_EQ(received, 100U);
        EXPECT_GE(packets[0].head, 128);
        EXPECT_EQ(packets[99].length, 159);
        EXPECT_EQ(port->transmit(0, std::span{packets}.first(received)), 100U);
        EXPECT_EQ(port->statistics().receive_packets, 100U);
        EXPECT_EQ(port->statistics().transmit_packets, 100U);
    }
    EXPECT_EQ(read_capture(directory_ / "out.pcap"), frames);
    EXPECT_EQ(pool_->available(), pool_->buffers());
}

// N13: what is longer than a buffer arrives in segments, and parse drops it.
TEST_F(PcapPort, MarksAFrameOfSeveralSegments) {
    write_capture(directory_ / "in.pcap", {std::vector<std::byte>(4000, std::byte{1})});
    auto port = Port::open(request(), *pool_);
    ASSERT_TRUE(port.has_value()) << port.error().sentence;
    std::array<Packet, 4> packets;
    ASSERT_EQ(port->receive(0, packets), 1U);
    EXPECT_EQ(packets[0].verdict, DropReason::multi_segment);
    pool_->release(std::span{packets}.first(1));
}

// N12: the same device opens again after it was closed.
TEST_F(PcapPort, OpensAgainAfterItWasClosed) {
    write_capture(directory_ / "in.pcap", {std::vector<std::byte>(60, std::byte{1})});
    for (int round = 0; round < 3; ++round) {
        auto port = Port::open(request(), *pool_);
        ASSERT_TRUE(port.has_value()) << port.error().sentence;
        std::array<Packet, 4> packets;
        ASSERT_EQ(port->receive(0, packets), 1U);
        pool_->release(std::span{packets}.first(1));
    }
}

}  // namespace
}  // namespace towpath::port
