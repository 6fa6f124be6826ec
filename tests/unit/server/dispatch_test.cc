// SPDX-License-Identifier: BSD-3-Clause
// What the data plane answers: order, idempotence, refusals, and that nothing half-stated is ever
// published. Contract README; decisions.md N4, N14.
#include "dataplane/server/dispatch.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "dataplane/contract/framing.h"
#include "dataplane/server/reasons.h"
#include "tests/builders/fake_engine.h"

namespace towpath::server {
namespace {

using namespace contract;

class Dispatch : public ::testing::Test {
protected:
    Dispatch() : dispatcher_{{"test", 77}, engine_} {
        start_.settings.port_count = 2;
        start_.settings.pool_addresses = 2;
        start_.settings.ports[0].name.set("lan");
        start_.settings.ports[1].name.set("wan");
    }

    template <class M>
    void send(const M& message) {
        const auto bytes = bytes_of(message);
        std::memcpy(buffer_.bytes.data(), bytes.data(), bytes.size());
        dispatcher_.handle(client_, std::span{buffer_.bytes}.first(bytes.size()), sink());
    }
    Send sink() {
        return [this](std::span<const std::byte> bytes) {
            auto copy = std::make_unique<MessageBuffer>();
            std::memcpy(copy->bytes.data(), bytes.data(), bytes.size());
            EXPECT_TRUE(decode_upward(std::span{copy->bytes}.first(bytes.size())).has_value());
            sent_.push_back(std::move(copy));
        };
    }
    // Takes the oldest answer, which must be an M.
    template <class M>
    M take() {
        EXPECT_FALSE(sent_.empty());
        M message;
        if (sent_.empty()) {
            return message;
        }
        std::memcpy(&message, sent_.front()->bytes.data(), sizeof(message));
        EXPECT_EQ(message.header.type, M::kType);
        sent_.erase(sent_.begin());
        return message;
    }
    void greet_and_start() {
        send(HelloControl{});
        take<HelloDataplane>();
        send(start_);
        take<Started>();
    }
    void commit(std::uint64_t generation) {
        Commit message;
        message.generation = generation;
        send(message);
    }
    void state_lan() {
        InterfaceSet lan;
        lan.role = Role::inside;
        lan.address_count = 1;
        lan.addresses[0] = {Ipv4Address{0x0A4D0101}, 24, {}};
        send(lan);
    }

    FakeEngine engine_;
    Dispatcher dispatcher_;
    Client client_;
    Start start_;
    MessageBuffer buffer_;
    std::vector<std::unique_ptr<MessageBuffer>> sent_;
};

TEST_F(Dispatch, NothingBeforeHello) {
    send(StatusQuery{});
    const auto refused = take<Refused>();
    EXPECT_EQ(refused.sentence.view(), "hello comes first");
    EXPECT_EQ(refused.closes, 1);
    EXPECT_TRUE(client_.is_refused);
}

TEST_F(Dispatch, HelloTellsStartIdAndState) {
    send(HelloControl{});
    auto hello = take<HelloDataplane>();
    EXPECT_EQ(hello.start_id, 77U);
    EXPECT_EQ(hello.state, DataplaneState::waiting_for_start);
    send(start_);
    take<Started>();
    commit(4);
    take<Applied>();
    send(HelloControl{});
    hello = take<HelloDataplane>();
    EXPECT_EQ(hello.state, DataplaneState::forwarding);
    EXPECT_EQ(hello.generation, 4U);
    EXPECT_EQ(hello.instance.view(), "test");
}

TEST_F(Dispatch, AnotherContractNumberIsRefusedAndClosed) {
    HelloControl hello;
    hello.header.version = kContractVersion + 1;
    send(hello);
    const auto refused = take<Refused>();
    EXPECT_EQ(refused.what, MessageType::hello_control);
    EXPECT_EQ(refused.closes, 1);
}

TEST_F(Dispatch, StateBeforeStartIsRefused) {
    send(HelloControl{});
    take<HelloDataplane>();
    state_lan();
    EXPECT_EQ(take<Refused>().sentence.view(), "the data plane waits for start");
    commit(1);
    EXPECT_EQ(take<Refused>().what, MessageType::commit);
    EXPECT_TRUE(engine_.published.empty());
}

// N14.
TEST_F(Dispatch, EqualStartIsAnsweredAndADifferentOneNeedsARestart) {
    greet_and_start();
    start_.header.request = 9;
    send(start_);
    EXPECT_EQ(take<Started>().header.request, 9U);
    start_.settings.mappings = 1;
    send(start_);
    const auto refused = take<Refused>();
    EXPECT_EQ(refused.needs_restart, 1);
    EXPECT_NE(refused.sentence.view().find("restart needed"), std::string_view::npos);
    EXPECT_EQ(engine_.starts, 1U);
}

TEST_F(Dispatch, ToldWhatItWasStartedWith) {
    send(HelloControl{});
    take<HelloDataplane>();
    send(StartQuery{});
    EXPECT_EQ(take<StartReply>().settings.port_count, 0);
    send(start_);
    take<Started>();
    send(StartQuery{});
    EXPECT_EQ(take<StartReply>().settings, start_.settings);
}

TEST_F(Dispatch, NeighborsComeInPartsOnceItIsStarted) {
    send(HelloControl{});
    take<HelloDataplane>();
    send(NeighborsQuery{});
    take<Refused>();
    send(start_);
    take<Started>();
    engine_.neighbor_rows.resize(kNeighborsPerReply + 1);
    for (NeighborRow& row : engine_.neighbor_rows) {
        row.address = IpAddressField::of(Ipv4Address{0x0A4D0101});
    }
    engine_.neighbor_rows.back().state = NeighborState::failed;
    send(NeighborsQuery{});
    EXPECT_EQ(take<NeighborsReply>().part.count, kNeighborsPerReply);
    const auto last = take<NeighborsReply>();
    EXPECT_EQ(last.part.total, kNeighborsPerReply + 1);
    ASSERT_EQ(last.part.count, 1U);
    EXPECT_EQ(last.rows[0].state, NeighborState::failed);
}

TEST_F(Dispatch, FailedStartSendsCodeAndSentenceAndEndsTheProcess) {
    engine_.start_failure = {ExitCode::port_unavailable, "interface wan: there is no wan0"};
    send(HelloControl{});
    take<HelloDataplane>();
    send(start_);
    const auto failed = take<StartFailed>();
    EXPECT_EQ(failed.exit_code, 6U);
    EXPECT_EQ(failed.sentence.view(), "interface wan: there is no wan0");
    ASSERT_TRUE(dispatcher_.start_failure().has_value());
    EXPECT_EQ(dispatcher_.start_failure()->exit_code, ExitCode::port_unavailable);
}

TEST_F(Dispatch, CommitPublishesOnceForAnEqualWorld) {
    greet_and_start();
    state_lan();
    EXPECT_TRUE(engine_.published.empty());
    commit(1);
    EXPECT_EQ(take<Applied>().has_changed, 1);
    state_lan();
    state_lan();
    commit(2);
    const auto applied = take<Applied>();
    EXPECT_EQ(applied.has_changed, 0);
    EXPECT_EQ(applied.generation, 2U);
    ASSERT_EQ(engine_.published.size(), 1U);
    EXPECT_EQ(engine_.published[0].second.interfaces[0].addresses[0].address,
              Ipv4Address{0x0A4D0101});
}

TEST_F(Dispatch, ConnectionThatEndsBeforeItsCommitLeavesNoTrace) {
    greet_and_start();
    commit(1);
    take<Applied>();
    state_lan();
    client_ = Client{};
    send(HelloControl{});
    take<HelloDataplane>();
    commit(2);
    EXPECT_EQ(take<Applied>().has_changed, 0);
    EXPECT_EQ(dispatcher_.world().interfaces[0].address_count, 0);
}

TEST_F(Dispatch, RefusedMessageSpoilsItsCommitOnly) {
    greet_and_start();
    state_lan();
    InterfaceSet unknown;
    unknown.id = 2;  // one past the started ports
    send(unknown);
    EXPECT_EQ(take<Refused>().sentence.view(), "there is no interface number 2");
    commit(1);
    EXPECT_EQ(take<Refused>().what, MessageType::commit);
    EXPECT_TRUE(engine_.published.empty());
    state_lan();
    commit(2);
    EXPECT_EQ(take<Applied>().generation, 2U);
}

TEST_F(Dispatch, EngineThatCannotPublishLeavesTheOldWorld) {
    greet_and_start();
    commit(1);
    take<Applied>();
    engine_.publish_failure = {ExitCode::failed, "no memory for routes"};
    state_lan();
    commit(2);
    EXPECT_EQ(take<Refused>().sentence.view(), "no memory for routes");
    EXPECT_EQ(dispatcher_.generation(), 1U);
    EXPECT_EQ(dispatcher_.world().interfaces[0].address_count, 0);
}

TEST_F(Dispatch, CountersHaveOneReplyPerWorker) {
    greet_and_start();
    CountersQuery query;
    query.header.request = 3;
    send(query);
    for (std::uint32_t worker = 0; worker < 2; ++worker) {
        const auto reply = take<CountersReply>();
        EXPECT_EQ(reply.worker, worker);
        EXPECT_EQ(reply.workers, 2U);
        EXPECT_EQ(reply.received, 100U * (worker + 1));
        EXPECT_EQ(reply.header.request, 3U);
    }
    EXPECT_TRUE(sent_.empty());
}

TEST_F(Dispatch, ReasonsComeInPartsThatAddUp) {
    greet_and_start();
    send(ReasonsQuery{});
    std::size_t rows = 0;
    std::uint32_t total = 1;
    while (rows < total) {
        const auto reply = take<ReasonsReply>();
        ASSERT_EQ(reply.part.offset, rows);
        ASSERT_GT(reply.part.count, 0U);
        total = reply.part.total;
        rows += reply.part.count;
    }
    EXPECT_EQ(rows, reason_rows().size());
    EXPECT_TRUE(sent_.empty());
}

// Names and help are cut where they do not fit; none may need that.
TEST(ReasonRows, FitTheirFields) {
    for (const ReasonRow& row : reason_rows()) {
        EXPECT_LT(row.name.view().size(), sizeof(row.name) - 1);
        EXPECT_LT(row.help.view().size(), sizeof(row.help) - 1) << row.name.view();
    }
}

TEST_F(Dispatch, NatPagesEndWithCursorZero) {
    greet_and_start();
    engine_.mappings.resize(kMappingsPerReply + 1);
    NatListQuery query;
    send(query);
    const auto first = take<NatListReply>();
    EXPECT_EQ(first.count, kMappingsPerReply);
    query.cursor = first.next_cursor;
    send(query);
    const auto second = take<NatListReply>();
    EXPECT_EQ(second.count, 1U);
    EXPECT_EQ(second.next_cursor, 0U);
}

// N4.
TEST_F(Dispatch, EventsFlowAfterASubscriptionAndBeginWithAResync) {
    greet_and_start();
    engine_.events.resize(kEventsPerBatch + 1);
    dispatcher_.push(client_, sink());
    EXPECT_TRUE(sent_.empty());
    send(EventsSubscribe{});
    EXPECT_EQ(engine_.resyncs, 1U);
    engine_.lost = 12;
    dispatcher_.push(client_, sink());
    EXPECT_EQ(take<EventBatch>().count, kEventsPerBatch);
    const auto last = take<EventBatch>();
    EXPECT_EQ(last.count, 1U);
    EXPECT_EQ(last.lost, 12U);
}

TEST_F(Dispatch, LinkChangesNeedNoSubscription) {
    greet_and_start();
    LinkChange change;
    change.interface = 1;
    engine_.link_changes.push_back(change);
    dispatcher_.push(client_, sink());
    EXPECT_EQ(take<LinkChange>().interface, 1);
}

}  // namespace
}  // namespace towpath::server
