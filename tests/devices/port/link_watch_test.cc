// SPDX-License-Identifier: BSD-3-Clause
// decisions.md N12 against a real kernel: links of a namespace of the test's own.
#include "dataplane/port/link_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "dataplane/port/file_descriptor.h"
#include "tests/builders/private_network.h"

namespace towpath::port {
namespace {

using Kind = LinkEvent::Kind;

class LinkWatchTest : public PrivateNetwork {
protected:
    void SetUp() override {
        PrivateNetwork::SetUp();
        if (IsSkipped() || HasFatalFailure()) {
            return;
        }
        std::array<int, 2> ends{};
        ASSERT_EQ(::pipe(ends.data()), 0);
        stop_ = FileDescriptor{ends[0]};
        stopper_ = FileDescriptor{ends[1]};
        auto watch = LinkWatch::open();
        ASSERT_TRUE(watch.has_value()) << watch.error().sentence;
        thread_ = std::thread{[this, opened = std::move(*watch)]() mutable {
            const auto ended = opened.run(stop_.number(), [this](const LinkEvent& event) {
                const std::lock_guard lock{mutex_};
                events_.push_back(event);
                changed_.notify_all();
            });
            EXPECT_TRUE(ended.has_value());
        }};
    }
    void TearDown() override {
        if (thread_.joinable()) {
            EXPECT_EQ(::write(stopper_.number(), "x", 1), 1);
            thread_.join();
        }
        PrivateNetwork::TearDown();
    }
    // Waits for the event, after any that were waited for before.
    bool saw(Kind kind, const std::string& name) {
        std::unique_lock lock{mutex_};
        return changed_.wait_for(lock, std::chrono::seconds{5}, [&] {
            for (; next_ < events_.size(); ++next_) {
                if (events_[next_].kind == kind && events_[next_].link.name == name) {
                    last_ = events_[next_++].link;
                    return true;
                }
            }
            return false;
        });
    }

    FileDescriptor stop_;
    FileDescriptor stopper_;
    std::thread thread_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<LinkEvent> events_;
    std::size_t next_ = 0;
    LinkState last_;
};

TEST_F(LinkWatchTest, SeesALinkGoDownAndUp) {
    ASSERT_TRUE(saw(Kind::appeared, "near"));
    EXPECT_EQ(last_.index, ::if_nametoindex("near"));
    EXPECT_EQ(last_.mtu_bytes, 1500U);
    EXPECT_TRUE(last_.is_up);
    EXPECT_FALSE(last_.mac.is_zero());
    ASSERT_TRUE(run_command("ip link set far down"));  // the carrier goes
    ASSERT_TRUE(saw(Kind::down, "near"));
    ASSERT_TRUE(run_command("ip link set far up"));
    ASSERT_TRUE(saw(Kind::up, "near"));
}

TEST_F(LinkWatchTest, SeesALinkRemovedAndBack) {
    ASSERT_TRUE(saw(Kind::appeared, "near"));
    const std::uint32_t before = last_.index;
    ASSERT_TRUE(run_command("ip link del near"));
    ASSERT_TRUE(saw(Kind::removed, "near"));
    ASSERT_TRUE(run_command("ip link add near type veth peer name far"));
    ASSERT_TRUE(run_command("ip link set far up && ip link set near up"));
    ASSERT_TRUE(saw(Kind::appeared, "near"));
    EXPECT_NE(last_.index, before);
    ASSERT_TRUE(saw(Kind::up, "near"));
}

}  // namespace
}  // namespace towpath::port
