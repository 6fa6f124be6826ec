// SPDX-License-Identifier: BSD-3-Clause
// The NAT log on a pipe: nothing while it is off, nothing blocks, what was dropped is said.
#include "control/loop/nat_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace towpath::control {
namespace {

using namespace contract;

EventBatch full_batch() {
    EventBatch batch;
    batch.count = kEventsPerBatch;
    return batch;
}

class NatLogTest : public testing::Test {
protected:
    void SetUp() override { ASSERT_EQ(::pipe2(pipe_.data(), O_CLOEXEC), 0); }
    void TearDown() override {
        ::close(pipe_[0]);
        ::close(pipe_[1]);
    }
    // Everything that is in the pipe.
    std::string read_all() const {
        std::string text;
        std::array<char, 65536> part{};
        EXPECT_EQ(::fcntl(pipe_[0], F_SETFL, O_NONBLOCK), 0);
        for (ssize_t got = 0; (got = ::read(pipe_[0], part.data(), part.size())) > 0;) {
            text.append(part.data(), static_cast<std::size_t>(got));
        }
        return text;
    }
    static std::size_t lines_in(const std::string& text) {
        return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    }

    std::array<int, 2> pipe_{};
};

TEST_F(NatLogTest, SaysNothingUntilItIsTurnedOn) {
    NatLog log{"towpath", pipe_[1]};
    log.on(full_batch(), {});
    EXPECT_EQ(read_all(), "");
    EXPECT_TRUE(log.turn(true));
    EXPECT_FALSE(log.turn(true)) << "it was on";
    log.on(full_batch(), {});
    EXPECT_EQ(lines_in(read_all()), kEventsPerBatch);
    EXPECT_EQ(log.written(), kEventsPerBatch);
    EXPECT_FALSE(log.turn(false));
    log.on(full_batch(), {});
    EXPECT_EQ(read_all(), "");
    EXPECT_TRUE(log.turn(true)) << "it begins anew";
}

TEST_F(NatLogTest, AReaderThatSleepsCostsRecordsAndHearsHowMany) {
    NatLog log{"towpath", pipe_[1]};
    ASSERT_TRUE(log.turn(true));
    constexpr std::size_t kBatches = 200;
    for (std::size_t i = 0; i < kBatches; ++i) {
        log.on(full_batch(), {});  // would block here
    }
    EXPECT_GT(log.dropped(), 0U);
    EXPECT_EQ(log.written() + log.dropped(), kBatches * kEventsPerBatch);
    const std::uint64_t dropped = log.dropped();
    EXPECT_EQ(lines_in(read_all()), log.written());

    log.on(full_batch(), {});
    const std::string text = read_all();
    EXPECT_NE(text.substr(0, text.find('\n'))
                  .find("\"event\":\"gap\",\"inst\":\"towpath\",\"seq\":" +
                        std::to_string(kBatches * kEventsPerBatch + 1) +
                        ",\"missing\":" + std::to_string(dropped) + "}"),
              std::string::npos)
        << text.substr(0, 300);
    EXPECT_EQ(lines_in(text), kEventsPerBatch + 1);
    EXPECT_EQ(log.dropped(), dropped);
}

}  // namespace
}  // namespace towpath::control
