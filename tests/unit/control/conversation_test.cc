// SPDX-License-Identifier: BSD-3-Clause
// Control and data plane talk to each other here without a socket: the real conversation against
// the real dispatcher. Either may die at any point; the world comes out the same.
#include "control/reconcile/conversation.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <memory>

#include "control/reconcile/desired.h"
#include "dataplane/contract/framing.h"
#include "dataplane/server/dispatch.h"
#include "tests/builders/fake_engine.h"

namespace towpath::control {
namespace {

config::Config config_with_timeout(int seconds) {
    config::Config config;
    config::Interface lan;
    lan.name = "lan";
    lan.match.name = "lan0";
    lan.addresses = {{Ipv4Address{0x0A4D0101}, {Ipv4Address{0x0A4D0100}, 24}}};
    config.interfaces = {lan};
    config.nat.timeouts.udp = std::chrono::seconds{seconds};
    return config;
}

// One data plane process.
struct Dataplane {
    explicit Dataplane(std::uint64_t start_id) : dispatcher{{"test", start_id}, engine} {}
    server::FakeEngine engine;
    server::Dispatcher dispatcher;
    server::Client client;
};

class Talk : public ::testing::Test {
protected:
    // Carries out what control wants, until nothing is left to do or `datagrams` were carried.
    void run(ActionList actions, std::size_t datagrams = 1000) {
        while (!actions.empty()) {
            ActionList next;
            for (Action& action : actions) {
                if (auto* const send = std::get_if<SendDatagram>(&action)) {
                    if (datagrams-- == 0) {
                        return;
                    }
                    deliver(send->bytes, next);
                } else if (auto* const refused = std::get_if<WorldRefused>(&action)) {
                    refusals_.push_back(refused->sentence);
                } else if (std::holds_alternative<WorldApplied>(action)) {
                    ++applied_;
                } else if (std::holds_alternative<DataplaneChanged>(action)) {
                    ++changed_;
                } else if (auto* const failed = std::get_if<StartRefused>(&action)) {
                    failures_.push_back(failed->failure);
                } else {
                    ++closed_;
                }
            }
            actions = std::move(next);
        }
    }
    void deliver(const Datagram& datagram, ActionList& out) {
        contract::MessageBuffer buffer;
        std::memcpy(buffer.bytes.data(), datagram.data(), datagram.size());
        dataplane_->dispatcher.handle(
            dataplane_->client, std::span{buffer.bytes}.first(datagram.size()),
            [&](std::span<const std::byte> bytes) {
                contract::MessageBuffer answer;
                std::memcpy(answer.bytes.data(), bytes.data(), bytes.size());
                const auto view =
                    contract::decode_upward(std::span{answer.bytes}.first(bytes.size()));
                ASSERT_TRUE(view.has_value());
                conversation_->on_message(*view, now_, out);
            });
    }
    void configure(const config::Config& config) {
        ActionList actions;
        conversation_->on_config(std::make_shared<const config::Config>(config), now_, actions);
        run(std::move(actions));
    }
    void connect(std::size_t datagrams = 1000) {
        dataplane_->client = {};
        ActionList actions;
        conversation_->on_connected(now_, actions);
        run(std::move(actions), datagrams);
    }
    contract::World desired(const config::Config& config) const {
        return *desired_world(config, *conversation_->running());
    }

    Now now_{};
    std::unique_ptr<Conversation> conversation_ = std::make_unique<Conversation>("towpath");
    std::unique_ptr<Dataplane> dataplane_ = std::make_unique<Dataplane>(1);
    std::vector<std::string> refusals_;
    std::vector<Failure> failures_;
    int applied_ = 0;
    int changed_ = 0;
    int closed_ = 0;
};

TEST_F(Talk, FirstConnectionStartsAndStatesTheWorld) {
    const config::Config config = config_with_timeout(300);
    configure(config);
    connect();
    EXPECT_EQ(conversation_->state(), Conversation::State::steady);
    EXPECT_EQ(dataplane_->engine.starts, 1U);
    ASSERT_EQ(dataplane_->engine.published.size(), 1U);
    EXPECT_EQ(dataplane_->engine.published[0].second, desired(config));
    EXPECT_EQ(changed_, 1);
    EXPECT_FALSE(conversation_->next_wake().has_value());
}

TEST_F(Talk, ReloadSendsTheDifference) {
    configure(config_with_timeout(300));
    connect();
    const config::Config config = config_with_timeout(400);
    configure(config);
    EXPECT_EQ(conversation_->state(), Conversation::State::steady);
    ASSERT_EQ(dataplane_->engine.published.size(), 2U);
    EXPECT_EQ(dataplane_->engine.published[1].second, desired(config));
    EXPECT_EQ(dataplane_->engine.published[1].first, 2U);
}

// kill -9 of control: a new process with the same file changes nothing and publishes nothing.
TEST_F(Talk, NewControlFindsTheWorldInForce) {
    configure(config_with_timeout(300));
    connect();
    conversation_ = std::make_unique<Conversation>("towpath");
    configure(config_with_timeout(300));
    connect();
    EXPECT_EQ(conversation_->state(), Conversation::State::steady);
    EXPECT_EQ(dataplane_->engine.starts, 1U);
    EXPECT_EQ(dataplane_->engine.published.size(), 1U);
    EXPECT_EQ(conversation_->generation(), 2U);
}

// N15: kill -9 of the data plane, reprogrammed without being asked.
TEST_F(Talk, NewDataPlaneIsProgrammedAgain) {
    const config::Config config = config_with_timeout(300);
    configure(config);
    connect();
    conversation_->on_closed();
    EXPECT_FALSE(conversation_->applied().has_value());
    dataplane_ = std::make_unique<Dataplane>(2);
    connect();
    EXPECT_EQ(conversation_->state(), Conversation::State::steady);
    EXPECT_EQ(changed_, 2);
    ASSERT_EQ(dataplane_->engine.published.size(), 1U);
    EXPECT_EQ(dataplane_->engine.published[0].second, desired(config));
}

// The connection may end after any number of datagrams.
TEST_F(Talk, CutAnywhereEndsInTheSameWorld) {
    const config::Config before = config_with_timeout(300);
    const config::Config after = config_with_timeout(400);
    for (std::size_t cut = 0; cut < 12; ++cut) {
        conversation_ = std::make_unique<Conversation>("towpath");
        dataplane_ = std::make_unique<Dataplane>(1);
        configure(before);
        connect();
        conversation_->on_closed();
        configure(after);
        connect(cut);
        conversation_->on_closed();
        const contract::World& world = dataplane_->dispatcher.world();
        EXPECT_TRUE(world.nat.udp_timeout_s == 300 || world.nat.udp_timeout_s == 400);
        connect();
        EXPECT_EQ(dataplane_->dispatcher.world(), desired(after)) << cut;
        EXPECT_EQ(conversation_->state(), Conversation::State::steady);
    }
}

// N14: a control that starts with another file than the data plane did.
TEST_F(Talk, WhatIsFixedIsHeldBackAndTheRestApplied) {
    configure(config_with_timeout(300));
    connect();
    conversation_ = std::make_unique<Conversation>("towpath");
    config::Config config = config_with_timeout(400);
    config.nat.limits.mappings = 1024;
    configure(config);
    connect();
    EXPECT_EQ(conversation_->state(), Conversation::State::steady);
    EXPECT_EQ(conversation_->held_back(), std::vector<std::string>{"nat.limits.mappings"});
    EXPECT_EQ(dataplane_->dispatcher.world().nat.udp_timeout_s, 400U);
    EXPECT_EQ(conversation_->running()->mappings, 262'144U);
}

TEST_F(Talk, NewInterfaceIsNotAppliedInParts) {
    configure(config_with_timeout(300));
    connect();
    config::Config config = config_with_timeout(400);
    config.interfaces.push_back(config.interfaces[0]);
    config.interfaces[1].name = "wan";
    configure(config);
    EXPECT_EQ(conversation_->state(), Conversation::State::stuck);
    ASSERT_EQ(refusals_.size(), 1U);
    EXPECT_EQ(dataplane_->dispatcher.world().nat.udp_timeout_s, 300U);
    configure(config_with_timeout(500));  // the operator takes it back
    EXPECT_EQ(conversation_->state(), Conversation::State::steady);
    EXPECT_EQ(dataplane_->dispatcher.world().nat.udp_timeout_s, 500U);
}

TEST_F(Talk, RefusedWorldIsSaidOnceAndTheNextOneTried) {
    configure(config_with_timeout(300));
    connect();
    config::Config bad = config_with_timeout(400);
    bad.interfaces[0].addresses[0].address = Ipv4Address{0xE0000001};  // validate() would refuse it
    configure(bad);
    EXPECT_EQ(refusals_, std::vector<std::string>{"interface lan cannot carry 224.0.0.1/24"});
    EXPECT_EQ(conversation_->state(), Conversation::State::stuck);
    EXPECT_EQ(dataplane_->dispatcher.world().nat.udp_timeout_s, 300U);
    configure(config_with_timeout(500));
    EXPECT_EQ(conversation_->state(), Conversation::State::steady);
    EXPECT_EQ(dataplane_->dispatcher.world().nat.udp_timeout_s, 500U);
}

TEST_F(Talk, FailedStartIsReportedWithItsCode) {
    dataplane_->engine.start_failure = {ExitCode::port_unavailable, "there is no lan0"};
    configure(config_with_timeout(300));
    connect();
    ASSERT_EQ(failures_.size(), 1U);
    EXPECT_EQ(failures_[0].exit_code, ExitCode::port_unavailable);
    EXPECT_EQ(failures_[0].sentence, "there is no lan0");
}

TEST_F(Talk, ConfigurationThatChangesWhileAnAnswerIsAwaitedIsNotLost) {
    configure(config_with_timeout(300));
    connect();
    ActionList first;
    conversation_->on_config(std::make_shared<const config::Config>(config_with_timeout(400)), now_,
                             first);
    ActionList second;
    conversation_->on_config(std::make_shared<const config::Config>(config_with_timeout(500)), now_,
                             second);
    EXPECT_TRUE(second.empty());
    run(std::move(first));
    EXPECT_EQ(conversation_->state(), Conversation::State::steady);
    EXPECT_EQ(dataplane_->dispatcher.world().nat.udp_timeout_s, 500U);
}

TEST_F(Talk, SilenceEndsTheConnectionAtItsDeadline) {
    configure(config_with_timeout(300));
    ActionList actions;
    conversation_->on_connected(now_, actions);
    ASSERT_TRUE(conversation_->next_wake().has_value());
    ActionList out;
    conversation_->on_wake(*conversation_->next_wake() - std::chrono::nanoseconds{1}, out);
    EXPECT_TRUE(out.empty());
    conversation_->on_wake(*conversation_->next_wake(), out);
    ASSERT_EQ(out.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<CloseConnection>(out[0]));
}

}  // namespace
}  // namespace towpath::control
