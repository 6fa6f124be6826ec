// SPDX-License-Identifier: BSD-3-Clause
// Totals and rates from what the workers say about themselves.
#include "control/observe/snapshot.h"

#include <gtest/gtest.h>

#include <chrono>

namespace towpath::control {
namespace {

using std::chrono::seconds;

contract::ReasonsReply one_reason() {
    contract::ReasonsReply reply;
    reply.part = {.total = 1, .offset = 0, .count = 1};
    reply.rows[0].index = 7;
    reply.rows[0].name.set("nat_port_exhausted");
    return reply;
}

contract::CountersReply from_worker(std::uint32_t worker, std::uint64_t exhausted) {
    contract::CountersReply reply;
    reply.workers = 2;
    reply.worker = worker;
    reply.drops[7] = exhausted;
    reply.dropped = exhausted;
    return reply;
}

TEST(Snapshot, SuppressedErrorsOfAllWorkersAddUpBesideTheDrops) {
    Snapshot snapshot;
    snapshot.on(one_reason());
    for (std::uint32_t worker = 0; worker < 2; ++worker) {
        contract::CountersReply reply = from_worker(worker, 1250);
        reply.icmp_errors_over_rate = 1000 + worker;
        reply.icmp_errors_repeated = 20 + worker;
        EXPECT_EQ(snapshot.totals().dropped, 0U);  // the round is not complete
        snapshot.on(reply, Now{seconds{10}});
    }
    EXPECT_EQ(snapshot.totals().icmp_errors_over_rate, 2001U);
    EXPECT_EQ(snapshot.totals().icmp_errors_repeated, 41U);
    EXPECT_EQ(snapshot.totals().dropped, 2500U);
    ASSERT_EQ(snapshot.drops().size(), 1U);
    EXPECT_EQ(snapshot.drops()[0].total, 2500U);
}

// What `towpath status` warns of.
TEST(Snapshot, DropsHaveARateWhileTheyRise) {
    Snapshot snapshot;
    snapshot.on(one_reason());
    const auto round = [&](std::uint64_t exhausted, int when_s) {
        snapshot.on(from_worker(0, exhausted), Now{seconds{when_s}});
        snapshot.on(from_worker(1, exhausted), Now{seconds{when_s}});
    };
    round(100, 10);
    EXPECT_EQ(snapshot.drops()[0].per_second, 0);
    round(104, 12);
    EXPECT_EQ(snapshot.drops()[0].per_second, 4);
    round(104, 13);
    EXPECT_EQ(snapshot.drops()[0].per_second, 0);
}

}  // namespace
}  // namespace towpath::control
