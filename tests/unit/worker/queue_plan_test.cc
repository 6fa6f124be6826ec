// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/queue_plan.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>

namespace towpath::worker {
namespace {

// N11, for every number of workers: a queue has exactly one worker.
TEST(QueuePlan, GivesEveryReceiveQueueToExactlyOneWorker) {
    const std::array<PortQueues, 3> ports{{{4, 4}, {1, 1}, {3, 2}}};
    for (std::size_t workers = 1; workers <= kWorkersMax; ++workers) {
        const QueuePlan plan{ports, workers};
        std::set<std::pair<InterfaceId, std::uint16_t>> seen;
        for (std::size_t worker = 0; worker < workers; ++worker) {
            for (const ReceiveQueue& queue : plan.receive_queues(static_cast<WorkerId>(worker))) {
                EXPECT_TRUE(seen.emplace(queue.interface, queue.queue).second);
            }
        }
        EXPECT_EQ(seen.size(), 8U);
    }
}

TEST(QueuePlan, GivesEveryTransmitQueueToExactlyOneWorker) {
    const std::array<PortQueues, 2> ports{{{1, 3}, {1, 16}}};
    for (std::size_t workers = 1; workers <= kWorkersMax; ++workers) {
        const QueuePlan plan{ports, workers};
        for (std::size_t number = 0; number < ports.size(); ++number) {
            const auto port = static_cast<std::uint8_t>(number);
            std::map<std::uint16_t, WorkerId> server_of;
            for (std::size_t worker = 0; worker < workers; ++worker) {
                const TransmitRoute route =
                    plan.transmit(static_cast<WorkerId>(worker), InterfaceId{port});
                ASSERT_LT(route.worker, workers);
                ASSERT_LT(route.queue, ports[port].transmit);
                EXPECT_EQ(server_of.try_emplace(route.queue, route.worker).first->second,
                          route.worker);
                // Whom frames are handed to serves the queue itself: they never travel twice.
                EXPECT_EQ(plan.transmit(route.worker, InterfaceId{port}).worker, route.worker);
            }
        }
    }
}

TEST(QueuePlan, DistributesInSoftwareOnlyWhereQueuesAreFew) {
    const std::array<PortQueues, 2> ports{{{1, 1}, {2, 2}}};
    const QueuePlan plan{ports, 2};
    EXPECT_TRUE(plan.is_distributed_in_software(InterfaceId{0}));
    EXPECT_FALSE(plan.is_distributed_in_software(InterfaceId{1}));
}

TEST(Distribute, IsTheSameInBothDirectionsAndSpreads) {
    std::array<std::size_t, 4> load{};
    for (std::uint32_t host = 0; host < 4096; ++host) {
        const Ipv4Address inside{0x0A4D0000U + host};
        const Ipv4Address remote{0xC6336401U};
        ASSERT_EQ(distribute(inside, remote, 4), distribute(remote, inside, 4));
        ++load[distribute(inside, remote, 4)];
    }
    for (const std::size_t share : load) {
        EXPECT_GT(share, 700U);
    }
}

}  // namespace
}  // namespace towpath::worker
