// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/quiescence.h"

#include <gtest/gtest.h>

#include <thread>

namespace towpath {
namespace {

TEST(Quiescence, NobodyOnlineMeansNobodyToWaitFor) {
    Quiescence quiescence;
    EXPECT_TRUE(quiescence.all_passed(quiescence.take()));
}

TEST(Quiescence, WaitsForEveryOnlineWorker) {
    Quiescence quiescence;
    quiescence.come_online(0);
    quiescence.come_online(15);
    const Quiescence::Token token = quiescence.take();
    EXPECT_FALSE(quiescence.all_passed(token));
    quiescence.pass(0);
    EXPECT_FALSE(quiescence.all_passed(token));
    quiescence.pass(15);
    EXPECT_TRUE(quiescence.all_passed(token));
}

TEST(Quiescence, APassBeforeTheTokenDoesNotCount) {
    Quiescence quiescence;
    quiescence.come_online(3);
    quiescence.pass(3);
    const Quiescence::Token token = quiescence.take();
    EXPECT_FALSE(quiescence.all_passed(token));
}

TEST(Quiescence, AWorkerThatGoesOfflineIsNotWaitedFor) {
    Quiescence quiescence;
    quiescence.come_online(3);
    const Quiescence::Token token = quiescence.take();
    quiescence.go_offline(3);
    EXPECT_TRUE(quiescence.all_passed(token));
    quiescence.come_online(3);
    EXPECT_TRUE(quiescence.all_passed(token));  // it came after
    EXPECT_FALSE(quiescence.all_passed(quiescence.take()));
}

TEST(Quiescence, WhatWasUnpublishedIsNotReadAfterAllPassed) {
    Quiescence quiescence;
    std::atomic<int*> published{nullptr};
    std::atomic<bool> is_over{false};
    std::atomic<std::uint64_t> reads{0};
    std::thread reader{[&] {
        quiescence.come_online(0);
        while (!is_over.load(std::memory_order_acquire)) {
            if (const int* value = published.load(std::memory_order_acquire)) {
                EXPECT_EQ(*value, 7);  // the writer sets another value before it reuses it
                reads.fetch_add(1, std::memory_order_relaxed);
            }
            quiescence.pass(0);
            std::this_thread::yield();
        }
        quiescence.go_offline(0);
    }};
    int value = 7;
    for (int round = 0; round < 200; ++round) {
        value = 7;
        published.store(&value, std::memory_order_release);
        const std::uint64_t before = reads.load();
        while (round % 50 == 0 && reads.load() == before) {
            std::this_thread::yield();
        }
        published.store(nullptr, std::memory_order_release);
        const Quiescence::Token token = quiescence.take();
        while (!quiescence.all_passed(token)) {
            std::this_thread::yield();
        }
        value = 0;
    }
    is_over.store(true, std::memory_order_release);
    reader.join();
    EXPECT_GT(reads.load(), 0U);
}

}  // namespace
}  // namespace towpath
