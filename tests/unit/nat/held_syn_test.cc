// SPDX-License-Identifier: BSD-3-Clause
// RFC 5382 REQ-4: what becomes of a SYN from outside that nobody asked for.
#include "dataplane/nat/held_syns.h"

#include <gtest/gtest.h>

#include <deque>

#include "tests/builders/nat_rig.h"

namespace towpath::nat {
namespace {

using namespace builders;
using namespace std::chrono_literals;
using Exit = NatRig::Exit;

constexpr Exit kFiltered{Lane::drop, DropReason::inbound_filtered};
constexpr Exit kNoMapping{Lane::drop, DropReason::inbound_no_mapping};

class HeldSyn : public testing::Test {
protected:
    explicit HeldSyn(std::size_t workers = 1) : rig{{.workers = workers}} {
        rig.policy.reject_syns = true;
        rig.publish();
    }
    // A SYN to 203.0.113.9; its frame lives as long as the test, as what is kept does.
    Exit syn(std::uint16_t port = 5000, std::uint16_t remote_port = 443, WorkerId worker = 0,
             std::uint8_t flags = kTcpSyn) {
        frames.push_back(tcp({.source = "198.51.100.1",
                              .source_port = remote_port,
                              .destination = "203.0.113.9",
                              .destination_port = port,
                              .tcp_flags = flags}));
        return rig.from_outside(frames.back(), worker);
    }
    Exit out(std::uint16_t port = 5000, std::string_view remote = "198.51.100.1") {
        Frame frame = tcp({.source = "10.0.0.1",
                           .source_port = port,
                           .destination = remote,
                           .destination_port = 443,
                           .tcp_flags = kTcpSyn});
        return rig.from_inside(frame);
    }
    // What a worker lets go of at this time.
    const Batch& slice(WorkerId worker = 0) {
        batch.clear();
        held_syn_slice(*rig.states[worker], batch, rig.now, released);
        return batch;
    }

    NatRig rig;
    std::deque<Frame> frames;
    Batch batch;
    Counter released;
};

TEST_F(HeldSyn, T04_DrawsPortUnreachableAfterSixSecondsAndNotBefore) {
    ASSERT_EQ(syn().lane, Lane::hold);
    rig.now += 6s - 1ns;
    EXPECT_EQ(slice().size(), 0U);
    rig.now += 1ns;
    ASSERT_EQ(slice().lane(Lane::icmp_error).size(), 1U);
    const Packet& told = batch[0];
    EXPECT_EQ(told.icmp_type, 3);
    EXPECT_EQ(told.icmp_code, 3);
    EXPECT_EQ(told.verdict, DropReason::inbound_no_mapping);
    EXPECT_EQ(told.data(), frames[0].packet.data());
    EXPECT_EQ(slice().size(), 0U);  // exactly one
    EXPECT_EQ(released.value(), 1U);
}

TEST_F(HeldSyn, T04a_SilentAtOnceWithoutTheKnob) {
    rig.policy.reject_syns = false;
    rig.publish();
    EXPECT_EQ(syn(), kNoMapping);
    rig.now += 7s;
    EXPECT_EQ(slice().size(), 0U);
}

TEST_F(HeldSyn, T04a_SilentWhenTheKnobIsTurnedOffMeanwhile) {
    ASSERT_EQ(syn().lane, Lane::hold);
    rig.policy.reject_syns = false;
    rig.publish();
    rig.now += 6s;
    EXPECT_EQ(slice().lane(Lane::drop).size(), 1U);
}

TEST_F(HeldSyn, T041_SilentWhenTheInsideConnectsMeanwhile) {
    ASSERT_EQ(syn().lane, Lane::hold);
    rig.now += 5s;
    ASSERT_TRUE(out().passed());
    ASSERT_TRUE(syn().passed());  // theirs again: the session admits it
    rig.now += 1s;
    ASSERT_EQ(slice().lane(Lane::drop).size(), 1U);
    EXPECT_EQ(batch[0].verdict, DropReason::inbound_no_mapping);
    EXPECT_EQ(batch.size(), 1U);
}

TEST_F(HeldSyn, AConnectionToAnotherRemoteExplainsNothing) {
    ASSERT_TRUE(out(5000, "198.51.100.2").passed());
    ASSERT_EQ(syn().lane, Lane::hold);
    rig.now += 6s;
    ASSERT_EQ(slice().lane(Lane::icmp_error).size(), 1U);
    EXPECT_EQ(batch[0].verdict, DropReason::inbound_filtered);
}

TEST_F(HeldSyn, ARepeatedSynKeepsTheFirstCopyAndItsTime) {
    ASSERT_EQ(syn().lane, Lane::hold);
    rig.now += 3s;
    EXPECT_EQ(syn(), kNoMapping);
    EXPECT_EQ(syn(5000, 444).lane, Lane::hold);  // another flow
    rig.now += 3s;
    ASSERT_EQ(slice().size(), 1U);
    EXPECT_EQ(batch[0].data(), frames[0].packet.data());
}

TEST_F(HeldSyn, OnlySynsAreHeld) {
    EXPECT_EQ(syn(5000, 443, 0, kTcpSyn | kTcpAck), kNoMapping);
    EXPECT_EQ(syn(5000, 443, 0, kTcpAck), kNoMapping);
    Frame datagram = udp({.destination = "203.0.113.9"});
    EXPECT_EQ(rig.from_outside(datagram), kNoMapping);
}

TEST_F(HeldSyn, HoldsAsManyAsItsLimitAndOneMoreDropsAsItWould) {
    ASSERT_TRUE(out(6000, "198.51.100.2").passed());
    for (std::uint16_t port = 1; port <= HeldSyns::kMax; ++port) {
        ASSERT_EQ(syn(port).lane, Lane::hold) << port;
    }
    EXPECT_EQ(syn(6001), kNoMapping);
    EXPECT_EQ(syn(6000), kFiltered);
    rig.now += 6s;
    std::size_t told = 0;
    while (slice().size() != 0) {
        EXPECT_GE(batch.room(), kBurstMax);  // as a burst may follow
        told += batch.lane(Lane::icmp_error).size();
    }
    EXPECT_EQ(told, HeldSyns::kMax);
    EXPECT_EQ(syn(6001).lane, Lane::hold);  // there is room again
}

TEST_F(HeldSyn, AnAddressThatLeftThePoolSaysNothing) {
    ASSERT_EQ(syn().lane, Lane::hold);
    rig.rebind({"203.0.113.10"});
    rig.expire();
    rig.now += 6s;
    EXPECT_EQ(slice().lane(Lane::drop).size(), 1U);
}

TEST_F(HeldSyn, ShutdownGivesEveryBufferBack) {
    for (std::uint16_t port = 1; port <= 200; ++port) {
        ASSERT_EQ(syn(port).lane, Lane::hold);
    }
    std::size_t dropped = 0;
    bool is_left = true;
    while (is_left) {
        batch.clear();
        is_left = held_syn_discard(*rig.states[0], batch, released);
        dropped += batch.lane(Lane::drop).size();
    }
    EXPECT_EQ(dropped, 200U);
    EXPECT_EQ(released.value(), 200U);
}

// The worker that keeps the SYN need not be the one that owns the mapping.
class HeldSynOfSeveralWorkers : public HeldSyn {
protected:
    HeldSynOfSeveralWorkers() : HeldSyn{4} {}
};

TEST_F(HeldSynOfSeveralWorkers, T041_SilentWhicheverWorkerKeepsIt) {
    for (WorkerId worker = 0; worker < 4; ++worker) {
        const auto port = static_cast<std::uint16_t>(5000 + worker);
        ASSERT_EQ(syn(port, 443, worker).lane, Lane::hold);
        ASSERT_EQ(syn(static_cast<std::uint16_t>(port + 100), 443, worker).lane, Lane::hold);
        ASSERT_TRUE(out(port).passed());
    }
    rig.now += 6s;
    for (WorkerId worker = 0; worker < 4; ++worker) {
        EXPECT_EQ(slice(worker).lane(Lane::drop).size(), 1U);
        EXPECT_EQ(batch.lane(Lane::icmp_error).size(), 1U);
    }
}

// 6.3: what no mapping answers is treated as the same packet from outside; the inside sender is
// told about what it sent.
TEST_F(HeldSyn, FromInsideToAnOutsideEndpointThatNobodyHolds) {
    frames.push_back(tcp({.source = "10.0.0.7",
                          .source_port = 7000,
                          .destination = "203.0.113.9",
                          .destination_port = 5000,
                          .tcp_flags = kTcpSyn}));
    ASSERT_EQ(rig.from_inside(frames.back()).lane, Lane::hold);
    rig.now += 6s;
    ASSERT_EQ(slice().lane(Lane::icmp_error).size(), 1U);
    EXPECT_TRUE(batch[0].was_rewritten_inbound);
    EXPECT_EQ(batch[0].original_source_address, address("10.0.0.7"));
}

}  // namespace
}  // namespace towpath::nat
