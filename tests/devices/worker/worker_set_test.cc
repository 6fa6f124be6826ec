// SPDX-License-Identifier: BSD-3-Clause
// Workers on real threads between two capture files: what is replayed in comes out translated, for
// any number of workers, and nothing is lost or leaked.
#include "dataplane/worker/worker_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "dataplane/worker/cores.h"
#include "tests/builders/capture_file.h"
#include "tests/builders/gateway.h"
#include "tests/builders/started_eal.h"

namespace towpath::worker {
namespace {

using namespace builders;

constexpr std::size_t kFlows = 64;
constexpr std::size_t kPacketsPerFlow = 8;
constexpr std::size_t kPackets = kFlows * kPacketsPerFlow;

CapturedFrames outbound_frames() {
    CapturedFrames frames;
    for (std::size_t round = 0; round < kPacketsPerFlow; ++round) {
        for (std::size_t flow = 0; flow < kFlows; ++flow) {
            const std::string source = "10.77.1." + std::to_string(2 + flow % 16);
            const std::string remote = "198.51.100." + std::to_string(1 + round);
            Frame frame = udp({.source = source,
                               .source_port = static_cast<std::uint16_t>(20000 + flow),
                               .destination = remote});
            frames.emplace_back(frame.bytes().begin(), frame.bytes().end());
        }
    }
    return frames;
}

class WorkerSetTest : public testing::TestWithParam<std::size_t> {
protected:
    void SetUp() override {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "towpath_workers_XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        auto pool = dpdk::PacketPool::create({.buffers = 8191, .largest_mtu_bytes = 1500});
        ASSERT_TRUE(pool.has_value()) << pool.error().sentence;
        pool_ = std::move(*pool);
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    port::Port open(const char* name, const std::string& receive, const std::string& transmit) {
        port::PortRequest request{.name = name, .driver = port::Driver::pcap};
        request.pcap = {.receive_file = receive, .transmit_file = transmit};
        auto port = port::Port::open(request, *pool_);
        TOWPATH_ASSERT(port.has_value());
        return std::move(*port);
    }

    std::filesystem::path directory_;
    std::unique_ptr<dpdk::PacketPool> pool_;
};

std::uint64_t total(const WorkerSet& workers, Counter PipelineCounters::*counter) {
    std::uint64_t sum = 0;
    for (std::size_t id = 0; id < workers.size(); ++id) {
        sum += (workers.worker(static_cast<WorkerId>(id)).counters().*counter).value();
    }
    return sum;
}

// A question that the owners answer while packets flow (N4).
std::size_t count_mappings(WorkerSet& workers) {
    std::size_t mappings = 0;
    for (std::size_t id = 0; id < workers.size(); ++id) {
        workers.ask(static_cast<WorkerId>(id), [&](nat::State& state, Now now) {
            std::array<nat::MappingView, 256> views;
            nat::Page page;
            do {
                page = state.list(page.cursor, views, now);
                mappings += page.count;
            } while (page.cursor != 0);
        });
    }
    return mappings;
}

TEST_P(WorkerSetTest, TranslatesEveryPacketWhicheverWorkerItMeets) {
    write_capture(directory_ / "in.pcap", outbound_frames());
    const std::size_t workers = GetParam();
    {
        port::Port lan = open("lan", directory_ / "in.pcap", "");
        port::Port wan = open("wan", "", directory_ / "out.pcap");
        PortTable ports;
        Quiescence quiescence;
        GatewayOptions options;
        options.capacity.workers = workers;
        auto tables = std::move(*nat::Tables::create(options.capacity, nat::Keys{}, quiescence));
        ASSERT_TRUE(tables->bind_pool(options.pool).has_value());
        route::NeighborTable neighbors;
        neighbors.confirm({kOutside, address("192.0.2.1")}, kRouterMac, 1);
        ipv6::NeighborTable ipv6_neighbors;
        const unsigned core = read_core_limits("").allowed.front();
        auto set =
            WorkerSet::create({.cores = std::vector<unsigned>(workers, core),
                               .ports = {{1, 1}, {1, 1}},
                               .busy_polls = false},
                              ports, *pool_, quiescence, {*tables, neighbors, ipv6_neighbors, 1});
        ASSERT_TRUE(set.has_value());
        ASSERT_TRUE((*set)->start().has_value());
        (*set)->publish(make_generation(options));
        ports.set_port(kOutside, &wan);
        ports.set_port(kInside, &lan);
        (*set)->ports_changed();
        for (int turn = 0;
             turn < 2000 &&
             total(**set, &PipelineCounters::received) + total(**set, &PipelineCounters::resumed) <
                 kPackets + total(**set, &PipelineCounters::handed_off);
             ++turn) {
            usleep(5000);
        }
        EXPECT_EQ(count_mappings(**set), kFlows);
        ports.set_port(kInside, nullptr);
        ports.set_port(kOutside, nullptr);
        (*set)->ports_changed();
        EXPECT_EQ(total(**set, &PipelineCounters::received), kPackets);
        EXPECT_EQ(total(**set, &PipelineCounters::received) +
                      total(**set, &PipelineCounters::resumed) +
                      total(**set, &PipelineCounters::originated),
                  total(**set, &PipelineCounters::transmitted) +
                      total(**set, &PipelineCounters::dropped) +
                      total(**set, &PipelineCounters::handed_off));
    }
    EXPECT_EQ(pool_->available(), pool_->buffers());
    std::set<std::uint16_t> ports_seen;
    std::size_t translated = 0;
    for (const auto& frame : read_capture(directory_ / "out.pcap")) {
        const auto* const ip = header_at<Ipv4Header>(std::span<const std::byte>{frame}, 14);
        const auto* const header = header_at<UdpHeader>(std::span<const std::byte>{frame}, 34);
        if (ip == nullptr || header == nullptr || ip->protocol != 17) {
            continue;  // announcements
        }
        EXPECT_EQ(to_string(Ipv4Address{ip->source}), "192.0.2.10");
        ports_seen.insert(header->source_port.host());
        ++translated;
    }
    EXPECT_EQ(translated, kPackets);
    EXPECT_EQ(ports_seen.size(), kFlows);
}

INSTANTIATE_TEST_SUITE_P(Workers, WorkerSetTest, testing::Values(1, 2, 3, 16));

}  // namespace
}  // namespace towpath::worker
