// SPDX-License-Identifier: BSD-3-Clause
// Where packets go when the pipeline is done with them, and by what name they drop when they
// cannot.
#include "dataplane/worker/dispatch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/builders/private_network.h"
#include "tests/builders/started_eal.h"

namespace towpath::worker {
namespace {

constexpr InterfaceId kWan{0};
constexpr std::size_t kBuffers = 4095;

class DispatchTest : public PrivateNetwork {
protected:
    DispatchTest() : plan_{queues_, 2} {}

    void SetUp() override {
        PrivateNetwork::SetUp();
        auto pool = dpdk::PacketPool::create({.buffers = kBuffers, .largest_mtu_bytes = 1500});
        ASSERT_TRUE(pool.has_value()) << pool.error().sentence;
        pool_ = std::move(*pool);
        for (int worker = 0; worker < 2; ++worker) {
            doorbells_.push_back(std::move(*Doorbell::create()));
        }
        dispatch_ = std::make_unique<Dispatch>(
            WorkerId{0}, DispatchTargets{plan_, ports_, mesh_, doorbells_, *pool_}, counters_);
    }

    // `count` packets of 60 bytes, all in `lane`, from and to kWan.
    void fill(std::size_t count, Lane lane) {
        batch_.clear();
        ASSERT_EQ(pool_->allocate(batch_.free_slots().first(count)), count);
        for (Packet& packet : batch_.free_slots().first(count)) {
            packet.length = 60;
            packet.ingress = kWan;
            packet.egress = kWan;
            packet.target_worker = 1;
        }
        batch_.admit(count, lane);
    }
    [[nodiscard]] std::uint64_t drops(DropReason reason) const {
        return counters_.drops[static_cast<std::size_t>(reason)].value();
    }

    std::array<PortQueues, 1> queues_{{{1, 1}}};
    QueuePlan plan_;
    PortTable ports_;
    HandoffMesh mesh_{2};
    std::vector<Doorbell> doorbells_;
    std::unique_ptr<dpdk::PacketPool> pool_;
    PipelineCounters counters_;
    std::unique_ptr<Dispatch> dispatch_;
    Batch batch_;
};

TEST_F(DispatchTest, DropsForAPortThatIsGone) {
    fill(3, Lane::transmit);
    dispatch_->send(batch_);
    EXPECT_EQ(drops(DropReason::port_down), 3U);
    EXPECT_EQ(pool_->available(), kBuffers);
}

// A memif whose other side never came takes nothing.
TEST_F(DispatchTest, DropsWhatTheTransmitQueueRefuses) {
    const std::string socket =
        (std::filesystem::temp_directory_path() / ("dispatch" + std::to_string(getpid()))).string();
    port::PortRequest request{.name = "wan", .driver = port::Driver::memif};
    request.memif = {.socket_path = socket, .id = 0, .is_server = true};
    auto port = port::Port::open(request, *pool_);
    ASSERT_TRUE(port.has_value()) << port.error().sentence;
    ports_.set_port(kWan, &*port);
    fill(5, Lane::transmit);
    dispatch_->send(batch_);
    dispatch_->flush();
    EXPECT_EQ(drops(DropReason::transmit_full), 5U);
    EXPECT_EQ(counters_.transmitted.value(), 0U);
    EXPECT_EQ(pool_->available(), kBuffers);
}

// One past the ring's capacity.
TEST_F(DispatchTest, DropsWhatTheHandOffRingRefuses) {
    for (std::size_t sent = 0; sent < kHandoffRingPackets; sent += kBatchCapacity) {
        fill(kBatchCapacity, Lane::hand_off);
        dispatch_->send(batch_);
    }
    EXPECT_EQ(counters_.handed_off.value(), kHandoffRingPackets);
    EXPECT_EQ(drops(DropReason::handoff_full), 0U);
    fill(1, Lane::hand_off);
    dispatch_->send(batch_);
    EXPECT_EQ(drops(DropReason::handoff_full), 1U);
    std::array<Packet, kBatchCapacity> packets;
    while (const std::size_t taken = mesh_.ring(0, 1).pop(packets)) {
        pool_->release({packets.data(), taken});
    }
    EXPECT_EQ(pool_->available(), kBuffers);
}

TEST_F(DispatchTest, PuntsABurstToTheHostAndDropsWhatIsMore) {
    std::vector<std::string> notes;
    auto host = port::HostTap::open({.interface_name = "wan",
                                     .mac = MacAddress{{2, 0, 0, 0, 0, 1}},
                                     .mtu_bytes = 1500,
                                     .addresses = {},
                                     .routes = {}},
                                    *pool_, notes);
    ASSERT_TRUE(host.has_value()) << host.error().sentence;
    fill(port::kPuntBurstMax + 1, Lane::punt);
    dispatch_->send(batch_);
    EXPECT_EQ(drops(DropReason::local_no_host), port::kPuntBurstMax + 1);
    ports_.set_host(kWan, &*host);
    fill(port::kPuntBurstMax + 1, Lane::punt);
    dispatch_->send(batch_);
    EXPECT_EQ(counters_.punted.value(), port::kPuntBurstMax);
    EXPECT_EQ(drops(DropReason::punt_full), 1U);
    EXPECT_EQ(pool_->available(), kBuffers);
}

TEST_F(DispatchTest, HandsFramesToTheWorkerWithTheTransmitQueue) {
    Dispatch second{WorkerId{1}, DispatchTargets{plan_, ports_, mesh_, doorbells_, *pool_},
                    counters_};
    fill(2, Lane::transmit);
    second.send(batch_);
    std::array<Packet, 4> packets;
    ASSERT_EQ(mesh_.ring(1, 0).pop(packets), 2U);
    EXPECT_EQ(packets[0].resume, Lane::transmit);
    EXPECT_EQ(packets[0].egress, kWan);
    pool_->release({packets.data(), 2});
}

}  // namespace
}  // namespace towpath::worker
