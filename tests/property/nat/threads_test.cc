// SPDX-License-Identifier: BSD-3-Clause
// Several workers as real threads on one set of tables, with hand-offs through queues: built with
// ThreadSanitizer, this is the proof that sharing is what the headers say (decisions.md N1 to N3).
// Deterministic in what it promises, not in the order of things.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "tests/builders/nat_rig.h"

namespace towpath::nat {
namespace {

using namespace builders;

// A queue of the test between two workers; the product has rings without locks.
class Mailbox {
public:
    void put(Frame frame) {
        const std::lock_guard guard{mutex_};
        frames_.push_back(std::move(frame));
    }
    std::vector<Frame> take() {
        const std::lock_guard guard{mutex_};
        std::vector<Frame> all;
        while (!frames_.empty()) {
            all.push_back(std::move(frames_.front()));
            frames_.pop_front();
        }
        return all;
    }

private:
    std::mutex mutex_;
    std::deque<Frame> frames_;
};

class Threads : public testing::TestWithParam<std::size_t> {
protected:
    static constexpr int kTurns = 400;
    static constexpr std::size_t kHosts = 12;

    Threads() : rig{{.workers = GetParam(), .pool = {"203.0.113.9", "203.0.113.10"}}} {
        rig.policy.timeouts.udp = std::chrono::seconds{3};
        rig.policy.timeouts.udp_unreplied = std::chrono::seconds{2};
        rig.policy.timeouts.port_hold = std::chrono::seconds{1};
        rig.publish();
    }

    // One packet through a worker's own stages.
    void run(WorkerId worker, Frame frame, Batch& batch, Now now) {
        const bool is_resumed = frame.packet.resume != Lane::parse;
        const Lane lane = is_resumed                                           ? frame.packet.resume
                          : rig.is_pool(Ipv4Address{frame.ipv4().destination}) ? Lane::nat_inbound
                                                                               : Lane::nat_outbound;
        batch.clear();
        ASSERT_TRUE(batch.admit(frame.packet, lane));
        if (lane == Lane::nat_inbound) {
            nat_inbound_stage(*rig.states[worker], batch, now);
        } else {
            nat_outbound_stage(*rig.states[worker], batch, now);
        }
        frame.packet = batch[0];
        if (!batch.lane(Lane::hand_off).empty()) {
            const WorkerId target = frame.packet.target_worker;
            ASSERT_NE(target, worker);
            mailboxes[target].put(std::move(frame));
        } else if (!batch.lane(Lane::link).empty()) {
            record(frame);
        }
    }
    // What leaves must be one outside endpoint per inside endpoint while it lives; here at least
    // never two inside endpoints behind one outside endpoint at the same time stamp.
    void record(Frame& frame) {
        EXPECT_TRUE(checksums_are_valid(frame));
        EXPECT_TRUE(rig.is_pool(Ipv4Address{frame.ipv4().source}));
        translated.fetch_add(1, std::memory_order_relaxed);
    }
    void work(WorkerId worker) {
        std::mt19937_64 random{worker + 1U};
        Batch batch;
        rig.quiescence.come_online(worker);
        for (int turn = 0; turn < kTurns; ++turn) {
            const Now now{std::chrono::milliseconds{1000000 + turn * 40}};
            const std::string source = "10.0.0." + std::to_string(1 + random() % kHosts);
            const auto port = static_cast<std::uint16_t>(4000 + random() % 8);
            Fields fields{.source = source, .source_port = port};
            const bool is_tcp = random() % 3 == 0;
            fields.tcp_flags = random() % 2 == 0 ? kTcpSyn : kTcpAck;
            send(worker, is_tcp ? tcp(fields) : udp(fields), batch, now);
            const std::string pool = random() % 2 == 0 ? "203.0.113.9" : "203.0.113.10";
            Fields back{.source = "198.51.100.1", .source_port = 443, .destination = pool};
            back.destination_port = port;
            back.ingress = kWan;
            send(worker, is_tcp ? tcp(back) : udp(back), batch, now);
            for (Frame& frame : mailboxes[worker].take()) {
                run(worker, std::move(frame), batch, now);
            }
            expire_slice(*rig.states[worker], now, 16);
            for (MappingEvent event; rig.states[worker]->events().pop(event);) {
                tally[worker] += event.kind == MappingEventKind::created ? 1 : 0;
                tally[worker] -= event.kind == MappingEventKind::ended ? 1 : 0;
            }
            rig.quiescence.pass(worker);
        }
        rig.quiescence.go_offline(worker);
    }
    void send(WorkerId worker, Frame frame, Batch& batch, Now now) {
        frame.packet.ip_protocol = frame.ipv4().protocol;
        ASSERT_EQ(parse::read_transport(frame.packet), DropReason::none);
        frame.packet.egress = frame.packet.ingress == kWan ? kLan : kWan;
        run(worker, std::move(frame), batch, now);
    }

    NatRig rig;
    std::array<Mailbox, kWorkersMax> mailboxes;
    std::array<long, kWorkersMax> tally{};
    std::atomic<std::size_t> translated{0};
};

TEST_P(Threads, N1_NoOutsideEndpointIsHeldTwice) {
    std::vector<std::thread> threads;
    for (std::size_t worker = 0; worker < GetParam(); ++worker) {
        rig.quiescence.go_offline(static_cast<WorkerId>(worker));
    }
    for (std::size_t worker = 0; worker < GetParam(); ++worker) {
        threads.emplace_back([this, worker] { work(static_cast<WorkerId>(worker)); });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_GT(translated.load(), 0U);
    const Now now{std::chrono::milliseconds{1000000 + kTurns * 40}};
    std::map<std::pair<Protocol, Endpoint>, Endpoint> outside;
    std::size_t live = 0;
    long said = 0;
    for (const auto& state : rig.states) {
        std::array<MappingView, 512> page;
        const Page listed = state->list(0, page, now);
        ASSERT_EQ(listed.cursor, 0U);
        for (std::size_t row = 0; row < listed.count; ++row) {
            const MappingView& view = page[row];
            EXPECT_TRUE(
                outside.emplace(std::pair{view.protocol, view.outside}, view.inside).second);
            EXPECT_EQ(view.owner, rig.tables->ownership().owner_of(view.inside.address));
            live += view.is_held ? 0U : 1U;
        }
        said += tally[state->worker()];
    }
    EXPECT_EQ(said, static_cast<long>(live));  // N4: the stream tells the whole story
    std::uint32_t used = 0;
    for (const std::string_view pool : {"203.0.113.9", "203.0.113.10"}) {
        for (const Protocol protocol : {Protocol::tcp, Protocol::udp}) {
            used += rig.tables->port_usage(address(pool), protocol).used;
        }
    }
    EXPECT_GE(used, outside.size());
}

INSTANTIATE_TEST_SUITE_P(Workers, Threads, testing::Values(2, 4, 8));

}  // namespace
}  // namespace towpath::nat
