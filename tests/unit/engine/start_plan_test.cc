// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/start_plan.h"

#include <gtest/gtest.h>

#include <memory>

namespace towpath::engine {
namespace {

std::unique_ptr<contract::StartSettings> settings() {
    auto start = std::make_unique<contract::StartSettings>();
    start->mappings = 1000;
    start->sessions = 500;
    start->pool_addresses = 3;
    start->port_count = 2;
    start->ports[0].name.set("lan");
    start->ports[0].driver = contract::PortDriver::af_packet;
    start->ports[0].match_kind = contract::PortMatch::kernel_name;
    start->ports[0].match.set("lan0");
    start->ports[1].name.set("wan");
    start->ports[1].driver = contract::PortDriver::memif;
    start->ports[1].socket.set("/run/memif.sock");
    start->ports[1].memif_role = contract::MemifRole::server;
    start->ports[1].mtu_bytes = 9000;
    return start;
}

const worker::CoreLimits kFourCores{{0, 1, 2, 3}, 0};

TEST(StartPlan, AsksEveryPortForAQueuePerWorker) {
    const auto plan = plan_start(*settings(), kFourCores);
    ASSERT_TRUE(plan.has_value());
    EXPECT_EQ(plan->cores, (std::vector<unsigned>{1, 2, 3}));
    ASSERT_EQ(plan->ports.size(), 2U);
    EXPECT_EQ(plan->ports[0].match.kernel_name, "lan0");
    EXPECT_EQ(plan->ports[0].receive_queues, 3);
    EXPECT_EQ(plan->ports[1].memif.socket_path, "/run/memif.sock");
    EXPECT_TRUE(plan->ports[1].memif.is_server);
    EXPECT_EQ(plan->capacity.workers, 3U);
    EXPECT_EQ(plan->capacity.mappings, 1000U);
}

// N13: one segment for a frame of the largest MTU.
TEST(StartPlan, SizesBuffersForTheLargestMtu) {
    const auto plan = plan_start(*settings(), kFourCores);
    EXPECT_EQ(plan->pool.largest_mtu_bytes, 9000);
    EXPECT_GE(plan->pool.buffers, 12U * 1024);
}

TEST(StartPlan, TakesTheCoresThatAreListed) {
    auto start = settings();
    start->core_choice = contract::CoreChoice::listed;
    start->cores[0] = 0b0101;
    EXPECT_EQ(plan_start(*start, kFourCores)->cores, (std::vector<unsigned>{0, 2}));
    start->cores[1] = 1;  // core 64
    const auto refused = plan_start(*start, kFourCores);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().exit_code, ExitCode::no_such_core);
}

TEST(StartPlan, KeepsWhatIsStated) {
    auto start = settings();
    start->buffers = 2047;
    start->ports[0].receive_queues = 1;
    start->idle = contract::IdleMode::busy_poll;
    const auto plan = plan_start(*start, kFourCores);
    EXPECT_EQ(plan->pool.buffers, 2047U);
    EXPECT_EQ(plan->ports[0].receive_queues, 1);
    EXPECT_TRUE(plan->busy_polls);
}

}  // namespace
}  // namespace towpath::engine
