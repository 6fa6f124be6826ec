// SPDX-License-Identifier: BSD-3-Clause
// When a data plane counts as not answering, and what of its interfaces is news. The clock is told.
#include "control/observe/pulse.h"

#include <gtest/gtest.h>

#include "control/observe/link_watch.h"

namespace towpath::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class PulseTest : public testing::Test {
protected:
    // Asks once a second from second `first` to second `last`.
    void ask(int first, int last) {
        for (int second = first; second <= last; ++second) {
            pulse_.on_asked(at(seconds{second}));
        }
    }
    static Now at(Duration since) { return Now{since}; }
    bool begins(Duration since) { return pulse_.begins_silence(at(since), Pulse::kSilenceMax); }

    Pulse pulse_;
};

TEST_F(PulseTest, AnswersKeepItHealthy) {
    for (int second = 0; second < 100; ++second) {
        pulse_.on_asked(at(seconds{second}));
        EXPECT_EQ(pulse_.on_heard(at(seconds{second} + milliseconds{900})), std::nullopt);
        EXPECT_FALSE(begins(seconds{second} + milliseconds{950}));
    }
}

TEST_F(PulseTest, MoreThanThreeSecondsWithoutAnAnswerAreToldOnce) {
    ask(10, 13);
    EXPECT_FALSE(begins(seconds{13}));
    EXPECT_FALSE(pulse_.is_silent());
    EXPECT_EQ(pulse_.silence(at(seconds{13})), Duration{});
    EXPECT_TRUE(begins(seconds{13} + milliseconds{1}));
    EXPECT_TRUE(pulse_.is_silent());
    EXPECT_FALSE(begins(seconds{14}));
    EXPECT_EQ(pulse_.silence(at(seconds{17})), seconds{7});
}

TEST_F(PulseTest, ItsEndIsToldOnceAndItMayBeginAgain) {
    ask(0, 3);
    ASSERT_TRUE(begins(seconds{4}));
    EXPECT_EQ(pulse_.on_heard(at(seconds{9})), seconds{9});
    EXPECT_FALSE(pulse_.is_silent());
    EXPECT_EQ(pulse_.on_heard(at(seconds{9})), std::nullopt);
    EXPECT_FALSE(begins(seconds{60})) << "nothing was asked since";
    ask(60, 63);
    EXPECT_TRUE(begins(seconds{64}));
}

TEST_F(PulseTest, AControlThatStoodStillItselfBlamesNobody) {
    ask(0, 0);
    EXPECT_FALSE(begins(seconds{3600}));
    ask(3600, 3600);
    EXPECT_FALSE(begins(seconds{3600}));
}

TEST_F(PulseTest, WhatIsBuiltMayTakeLonger) {
    ask(0, 5);
    EXPECT_FALSE(pulse_.begins_silence(at(seconds{6}), Pulse::kSilenceWhileApplyingMax));
    EXPECT_TRUE(
        pulse_.begins_silence(at(seconds{6} + milliseconds{1}), Pulse::kSilenceWhileApplyingMax));
}

TEST_F(PulseTest, AConnectionThatEndsTakesItsQuestionsAlongButNotASilence) {
    ask(0, 3);
    pulse_.on_closed();
    EXPECT_FALSE(begins(seconds{10}));
    ask(10, 13);
    ASSERT_TRUE(begins(seconds{14}));
    pulse_.on_closed();
    EXPECT_TRUE(pulse_.is_silent());
    EXPECT_EQ(pulse_.on_heard(at(seconds{40})), seconds{30});
}

TEST(LinkWatch, TellsEachChangeOnce) {
    LinkWatch links;
    EXPECT_EQ(links.on(1, true, "wan"), std::nullopt) << "up from the first is no news";
    EXPECT_EQ(links.on(1, false, "wan"), "interface wan went down: it has no link or is gone");
    EXPECT_EQ(links.on(1, false, "wan"), std::nullopt);
    EXPECT_EQ(links.on(0, true, "lan"), std::nullopt);
    EXPECT_EQ(links.on(1, true, "wan"), "interface wan is up again");
    EXPECT_EQ(links.on(1, true, "wan"), std::nullopt);
}

TEST(LinkWatch, AnInterfaceThatIsDownFromTheFirstIsNewsForEachDataPlane) {
    LinkWatch links;
    EXPECT_EQ(links.on(0, false, "lan"), "interface lan is down: it has no link");
    EXPECT_EQ(links.on(0, false, "lan"), std::nullopt);
    links.forget();
    EXPECT_EQ(links.on(0, false, "lan"), "interface lan is down: it has no link");
    EXPECT_EQ(links.on(contract::kPortsMax, false, "none"), std::nullopt);
}

}  // namespace
}  // namespace towpath::control
