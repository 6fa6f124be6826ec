// SPDX-License-Identifier: BSD-3-Clause
// What the log hears of peers and strangers, and how much of it.
#include "tests/unit/control/tunnels_fixture.h"

namespace towpath::control {
namespace {

TEST_F(TunnelsTest, TheLogSaysWhoCameUpAndWhoMoved) {
    config_.tunnels[0].peers[1].name = "laptop";
    reload();
    const auto confirm = [this] {
        const SessionInstall& session = process_->tunnels().installed.back();
        process_->tunnels().events.push_back(
            {session.peer, session.index, TunnelEventKind::session_confirmed, {}});
        push();
    };
    call(3, "198.51.100.9:4000");
    EXPECT_TRUE(log_.empty());
    confirm();
    EXPECT_EQ(log_,
              std::vector<std::string>{"wg0: peer laptop is up: it called from 198.51.100.9:4000"});
    log_.clear();
    call(3, "203.0.113.5:4001");
    EXPECT_EQ(log_, std::vector<std::string>{
                        "wg0: peer laptop moved from 198.51.100.9:4000 to 203.0.113.5:4001"});
    log_.clear();
    pass(std::chrono::seconds{400});
    call(3, "203.0.113.5:4001");
    confirm();
    ASSERT_EQ(log_.size(), 1U);
    EXPECT_TRUE(log_[0].starts_with("wg0: peer laptop is up again, 40")) << log_[0];
}

TEST_F(TunnelsTest, TheLogSaysWhyAPeerDoesNotAnswer) {
    PeerRow row = row_of(process_->tunnels().transactions[0].changes[0].set, "192.0.2.77:51820");
    row.way = EndpointWay::no_route;
    process_->tunnels().peer_rows = {row};
    wait_for_the_first_peer();
    for (int second = 0; second < 12; ++second) {
        pass(std::chrono::seconds{1});
        tunnels_->on_wake();
    }
    const std::string key = config::to_base64(identity(2).public_key()).substr(0, 10);
    EXPECT_EQ(log_,
              std::vector<std::string>{"wg0: peer " + key + "...: no route leads to its endpoint"});
}

TEST_F(TunnelsTest, StrangersGetTenLinesAMinute) {
    for (std::uint8_t seed = 100; seed < 125; ++seed) {
        call(seed, "203.0.113.66:5000");
    }
    ASSERT_EQ(log_.size(), 10U);
    EXPECT_EQ(log_[0], "wg0: 203.0.113.66:5000 calls with a key that no peer has, " +
                           config::to_base64(identity(100).public_key()).substr(0, 10) + "...");
    pass(std::chrono::minutes{1});
    tunnels_->on_wake();
    EXPECT_EQ(log_.back(), "15 more lines about calls of strangers were left out");
    EXPECT_EQ(log_.size(), 11U);
    tunnels_->on_wake();
    EXPECT_EQ(log_.size(), 11U);
}

// A peer's clock went back; the operator says so in as few letters as the table shows.
TEST_F(TunnelsTest, ATimestampIsForgottenByNameOrBeginningOfAKey) {
    config_.tunnels[0].peers[1].name = "laptop";
    reload();
    const std::string key = config::to_base64(identity(3).public_key());
    for (const std::string& wanted :
         {std::string{"laptop"}, key, key.substr(0, 6), key.substr(0, 10) + "..."}) {
        call(3, "198.51.100.9:4000");
        const std::size_t before = process_->tunnels().installed.size();
        seconds_ -= 3600;
        call(3, "198.51.100.9:4000");
        EXPECT_EQ(process_->tunnels().installed.size(), before) << "stale";
        EXPECT_TRUE(tunnels_->forget_timestamp(wanted).has_value()) << wanted;
        call(3, "198.51.100.9:4000");
        EXPECT_EQ(process_->tunnels().installed.size(), before + 1) << wanted;
    }
    for (const std::string& wanted : {std::string{}, key.substr(0, 5), std::string{"lapto"},
                                      config::to_base64(identity(9).public_key())}) {
        EXPECT_FALSE(tunnels_->forget_timestamp(wanted).has_value()) << wanted;
    }
}

TEST_F(TunnelsTest, APeerThatCouldBeTwoIsAskedFor) {
    config_.tunnels[0].peers[0].public_key.fill(std::byte{0x55});
    config_.tunnels[0].peers[1].public_key.fill(std::byte{0x55});
    config_.tunnels[0].peers[1].public_key[31] = std::byte{0x56};
    reload();
    const auto forgotten = tunnels_->forget_timestamp("VVVVVV");
    ASSERT_FALSE(forgotten.has_value());
    EXPECT_NE(forgotten.error().sentence.find("more than one"), std::string::npos);
    // A name goes before the beginning of another's key.
    config_.tunnels[0].peers[1].name = "VVVVVV";
    reload();
    EXPECT_TRUE(tunnels_->forget_timestamp("VVVVVV").has_value());
}

TEST_F(TunnelsTest, RekeyingSaysHowManyItAsked) {
    const Tunnels::Rekeyed rekeyed = tunnels_->rekey_all();
    EXPECT_EQ(rekeyed.asked, 1U);
    EXPECT_EQ(rekeyed.unreachable, 1U);
    EXPECT_EQ(process_->tunnels().sent.size(), 1U);
}

TEST(LineBudget, CountsWhatItLeavesOutAndSaysItWhenThePeriodIsOver) {
    const auto at = [](int time_ms) { return Now{std::chrono::milliseconds{5000 + time_ms}}; };
    LineBudget budget{20, std::chrono::seconds{1}};
    int allowed = 0;
    for (int time_ms = 0; time_ms < 1000; ++time_ms) {
        allowed += budget.allows(at(time_ms)) ? 1 : 0;
    }
    EXPECT_EQ(allowed, 20);
    EXPECT_EQ(budget.take_left_out(at(999)), 0U);
    EXPECT_TRUE(budget.allows(at(1000))) << "a flood does not hide the count";
    EXPECT_EQ(budget.take_left_out(at(1001)), 980U);
    EXPECT_EQ(budget.take_left_out(at(3000)), 0U);
}

}  // namespace
}  // namespace towpath::control
