// SPDX-License-Identifier: BSD-3-Clause
// ARP and neighbours: nat-behaviour.md section 15, decisions.md N9.
#include "dataplane/route/arp_stage.h"

#include "dataplane/route/link_stage.h"
#include "tests/unit/route/route_fixture.h"

namespace towpath::route {
namespace {

using builders::ArpFields;
using enum DropReason;

class Arp : public RouteFixture {
protected:
    Arp() {
        resolver_.set_view(view_);
        state_ = {view_, &resolver_, true};
        link_ = {view_, &table_, &resolver_};
        add_spares(8);
    }
    Lane pass(Frame& frame) {
        batch_.clear();
        EXPECT_TRUE(batch_.admit(frame.packet, Lane::arp));
        arp_stage(state_, batch_, now_);
        EXPECT_TRUE(batch_.lane(Lane::arp).empty());
        frame.packet = batch_[0];
        return lane_of();
    }
    Lane pass(Frame&& frame) {
        Frame kept = std::move(frame);
        const Lane lane = pass(kept);
        verdict_ = kept.packet.verdict;
        return lane;
    }
    static Frame reply(const char* sender, InterfaceId ingress = kLan) {
        return builders::arp({.operation = kArpReply,
                              .sender = sender,
                              .target_mac = builders::kOurMac,
                              .target = ingress == kLan ? "10.77.1.1" : "192.0.2.10",
                              .destination_mac = builders::kOurMac,
                              .ingress = ingress});
    }
    // Sends one packet to `next_hop` through link_stage.
    Lane send(const char* next_hop, InterfaceId egress = kLan) {
        sent_.push_back(parsed(builders::udp({.destination = next_hop})));
        Packet& packet = sent_.back().packet;
        packet.egress = egress;
        packet.next_hop = builders::address(next_hop);
        batch_.clear();
        EXPECT_TRUE(batch_.admit(packet, Lane::link));
        link_stage(link_, batch_, now_);
        verdict_ = batch_[0].verdict;
        return lane_of();
    }
    void slice() {
        batch_.clear();
        batch_.clear_spares();
        add_spares(8);
        resolver_.slice(batch_, now_, kNeighborsMax);
    }
    std::size_t requests() const { return batch_.lane(Lane::transmit).size(); }

    NeighborTable table_;
    Counter released_;
    NeighborResolver resolver_{table_, released_};
    ArpState state_;
    LinkState link_;
    std::vector<Frame> sent_;
    DropReason verdict_ = none;
};

TEST_F(Arp, AnswersForOwnAddresses) {
    Frame frame = builders::arp();
    ASSERT_EQ(pass(frame), Lane::transmit);
    EXPECT_EQ(frame.packet.egress, kLan);
    EXPECT_EQ(frame.arp().operation.host(), kArpReply);
    EXPECT_EQ(frame.arp().sender_mac, builders::kOurMac);
    EXPECT_EQ(Ipv4Address{frame.arp().sender_address}, builders::address("10.77.1.1"));
    EXPECT_EQ(frame.arp().target_mac, builders::kPeerMac);
    EXPECT_EQ(frame.ethernet().destination, builders::kPeerMac);
    EXPECT_EQ(frame.packet.length, 60);
}

TEST_F(Arp, AnswersForThePoolOutsideOnly) {
    Frame outside = builders::arp({.sender = "192.0.2.1", .target = "192.0.2.20", .ingress = kWan});
    EXPECT_EQ(pass(outside), Lane::transmit);
    Frame inside = builders::arp({.target = "192.0.2.20"});
    EXPECT_EQ(pass(inside), Lane::absorb);
    Frame stranger = builders::arp({.target = "10.77.1.77"});
    EXPECT_EQ(pass(stranger), Lane::absorb);
}

TEST_F(Arp, LearnsWhoAsksForUs) {
    EXPECT_EQ(pass(builders::arp()), Lane::transmit);
    EXPECT_EQ(send("10.77.1.2"), Lane::transmit);
    Frame of_another_network = builders::arp({.sender = "203.0.113.9"});
    EXPECT_EQ(pass(of_another_network), Lane::transmit);
    EXPECT_EQ(table_.state_of({kLan, builders::address("203.0.113.9")}), NeighborState::none);
}

TEST_F(Arp, AnswersAnAddressProbeWithoutLearning) {  // RFC 5227
    EXPECT_EQ(pass(builders::arp({.sender = "0.0.0.0"})), Lane::transmit);
    EXPECT_EQ(table_.state_of({kLan, Ipv4Address{}}), NeighborState::none);
}

TEST_F(Arp, Malformed) {
    const auto expect_malformed = [&](auto spoil) {
        Frame frame = builders::arp();
        spoil(frame);
        EXPECT_EQ(pass(std::move(frame)), Lane::drop);
        EXPECT_EQ(verdict_, arp_malformed);
    };
    expect_malformed([](Frame& f) { f.packet.length = 41; });
    expect_malformed([](Frame& f) { f.arp().hardware_type = be16{std::uint16_t{6}}; });
    expect_malformed([](Frame& f) { f.arp().protocol_type = be16{kEtherTypeIpv6}; });
    expect_malformed([](Frame& f) { f.arp().hardware_length_bytes = 8; });
    expect_malformed([](Frame& f) { f.arp().protocol_length_bytes = 16; });
    expect_malformed([](Frame& f) { f.arp().operation = be16{std::uint16_t{3}}; });
    expect_malformed([](Frame& f) { f.arp().sender_mac = builders::kBroadcastMac; });
    expect_malformed([](Frame& f) { f.arp().sender_mac = MacAddress{}; });
    expect_malformed([](Frame& f) { f.arp().sender_mac = builders::kOurMac; });
}

TEST_F(Arp, SomebodyElseClaimsOurAddress) {
    for (const char* ours : {"10.77.1.1", "192.0.2.20"}) {
        EXPECT_EQ(pass(builders::arp({.sender = ours, .target = ours})), Lane::drop);
        EXPECT_EQ(verdict_, arp_conflict);
        EXPECT_EQ(pass(reply(ours)), Lane::drop);
        EXPECT_EQ(verdict_, arp_conflict);
    }
}

TEST_F(Arp, RepliesThatNobodyAskedFor) {
    EXPECT_EQ(pass(reply("10.77.1.50")), Lane::drop);
    EXPECT_EQ(verdict_, arp_unsolicited);
    EXPECT_EQ(table_.state_of({kLan, builders::address("10.77.1.50")}), NeighborState::none);
}

TEST_F(Arp, GratuitousUpdatesOnlyWhatIsKnown) {
    const ArpFields gratuitous{.sender_mac = MacAddress{{2, 0, 0, 0, 0, 0x42}},
                               .sender = "10.77.1.2",
                               .target = "10.77.1.2"};
    EXPECT_EQ(pass(builders::arp(gratuitous)), Lane::absorb);
    const NeighborKey key{kLan, builders::address("10.77.1.2")};
    EXPECT_FALSE(table_.find(key).has_value());
    table_.confirm(key, builders::kPeerMac, 1);
    state_.accepts_gratuitous = false;
    EXPECT_EQ(pass(builders::arp(gratuitous)), Lane::absorb);
    EXPECT_EQ(table_.find(key), builders::kPeerMac);
    state_.accepts_gratuitous = true;
    EXPECT_EQ(pass(builders::arp(gratuitous)), Lane::absorb);
    EXPECT_EQ(table_.find(key), gratuitous.sender_mac);
}

TEST_F(Arp, HostMayAskButNotAnswer_N9) {
    Frame request = builders::arp({.sender_mac = builders::kOurMac, .sender = "10.77.1.1"});
    request.packet.from_host = true;
    EXPECT_EQ(pass(request), Lane::transmit);
    EXPECT_EQ(request.packet.egress, kLan);
    Frame answer = reply("10.77.1.1");
    answer.packet.from_host = true;
    EXPECT_EQ(pass(std::move(answer)), Lane::drop);
    EXPECT_EQ(verdict_, arp_from_host);
}

TEST_F(Arp, RepliesReachTheHostToo_N9) {
    interface(kLan).has_host = true;
    EXPECT_EQ(pass(reply("10.77.1.50")), Lane::punt);
}

TEST_F(Arp, OtherWorkersHandOff) {
    state_.resolver = nullptr;
    Frame frame = builders::arp();
    EXPECT_EQ(pass(frame), Lane::hand_off);
    EXPECT_EQ(frame.packet.target_worker, 0);
    EXPECT_EQ(frame.packet.resume, Lane::arp);
}

TEST_F(Arp, UnknownNextHopIsAskedForAndTheQueueFollowsTheReply) {
    ASSERT_EQ(send("10.77.1.9"), Lane::hold);
    ASSERT_EQ(requests(), 1U);
    Packet request = batch_[batch_.lane(Lane::transmit)[0]];
    EXPECT_EQ(request.egress, kLan);
    const auto& arp = request.header<ArpHeader>(14);
    EXPECT_EQ(arp.operation.host(), kArpRequest);
    EXPECT_EQ(Ipv4Address{arp.target_address}, builders::address("10.77.1.9"));
    EXPECT_EQ(Ipv4Address{arp.sender_address}, builders::address("10.77.1.1"));
    EXPECT_TRUE(request.header<EthernetHeader>(0).destination.is_broadcast());
    ASSERT_EQ(send("10.77.1.9"), Lane::hold);
    EXPECT_EQ(requests(), 0U);  // one question is enough
    Frame answer = reply("10.77.1.9");
    EXPECT_EQ(pass(answer), Lane::absorb);
    ASSERT_EQ(batch_.lane(Lane::link).size(), 2U);
    EXPECT_EQ(batch_[batch_.lane(Lane::link)[0]].buffer, sent_[0].packet.buffer);
    EXPECT_EQ(batch_[batch_.lane(Lane::link)[1]].buffer, sent_[1].packet.buffer);
    EXPECT_EQ(released_.value(), 2U);
    EXPECT_EQ(send("10.77.1.9"), Lane::transmit);
}

TEST_F(Arp, QueueOfOneNextHopIsBounded) {
    for (std::size_t packet = 0; packet < kPendingPackets; ++packet) {
        ASSERT_EQ(send("10.77.1.9"), Lane::hold);
    }
    EXPECT_EQ(send("10.77.1.9"), Lane::drop);
    EXPECT_EQ(verdict_, neighbor_pending_full);
}

TEST_F(Arp, NextHopsBeingResolvedAreBounded) {
    for (std::size_t host = 0; host < kPendingMax; ++host) {
        batch_.clear_spares();
        add_spares(1);
        ASSERT_EQ(send(("10.77.1." + std::to_string(100 + host)).c_str()), Lane::hold);
    }
    EXPECT_EQ(send("10.77.1.2"), Lane::drop);
    EXPECT_EQ(verdict_, neighbor_pending_full);
}

TEST_F(Arp, ThreeRequestsThenInsideIsTold) {
    ASSERT_EQ(send("10.77.1.9"), Lane::hold);
    for (int repeat = 0; repeat < 2; ++repeat) {
        now_ += std::chrono::milliseconds{999};
        slice();
        EXPECT_EQ(requests(), 0U);
        now_ += std::chrono::milliseconds{1};
        slice();
        EXPECT_EQ(requests(), 1U);
    }
    now_ += std::chrono::seconds{1};
    slice();
    EXPECT_EQ(requests(), 0U);
    ASSERT_EQ(batch_.lane(Lane::icmp_error).size(), 1U);
    EXPECT_EQ(batch_[0].verdict, neighbor_unreachable);
    EXPECT_EQ(batch_[0].icmp_type, 3);
    EXPECT_EQ(batch_[0].icmp_code, 1);
    // It stays failed for the backoff, then is asked for again.
    EXPECT_EQ(send("10.77.1.9"), Lane::icmp_error);
    EXPECT_EQ(verdict_, neighbor_unreachable);
    now_ += std::chrono::seconds{1};
    EXPECT_EQ(send("10.77.1.9"), Lane::hold);
    EXPECT_EQ(requests(), 1U);
}

TEST_F(Arp, BackoffDoublesToItsLimit) {
    for (const int backoff_s : {1, 2, 4, 8, 16, 32, 32}) {
        batch_.clear_spares();
        add_spares(2);
        ASSERT_EQ(send("10.77.1.9"), Lane::hold) << backoff_s;
        for (int request = 0; request < 3; ++request) {
            now_ += std::chrono::seconds{1};
            slice();
        }
        now_ += std::chrono::milliseconds{backoff_s * 1000 - 1};
        EXPECT_EQ(send("10.77.1.9"), Lane::icmp_error) << backoff_s;
        now_ += std::chrono::milliseconds{1};
    }
}

TEST_F(Arp, WithoutASpareTheRequestComesLater) {
    batch_.clear_spares();
    ASSERT_EQ(send("10.77.1.9"), Lane::hold);
    EXPECT_EQ(requests(), 0U);
    slice();
    EXPECT_EQ(requests(), 1U);
}

TEST_F(Arp, UsedNeighboursAreProbedAndLostOnesForgotten) {
    const NeighborKey key{kLan, builders::address("10.77.1.9")};
    table_.confirm(key, builders::kPeerMac, coarse_seconds(now_));
    now_ += std::chrono::seconds{30};
    slice();
    EXPECT_EQ(table_.state_of(key), NeighborState::stale);
    EXPECT_EQ(send("10.77.1.9"), Lane::transmit);
    now_ += std::chrono::milliseconds{2};
    slice();
    EXPECT_EQ(table_.state_of(key), NeighborState::probe);
    slice();
    ASSERT_EQ(requests(), 1U);
    EXPECT_EQ(batch_[0].header<EthernetHeader>(0).destination, builders::kPeerMac);
    EXPECT_EQ(send("10.77.1.9"), Lane::transmit);  // used meanwhile
    for (int request = 0; request < 3; ++request) {
        now_ += std::chrono::seconds{1};
        slice();
    }
    EXPECT_EQ(table_.state_of(key), NeighborState::none);
}

TEST_F(Arp, ProbeThatIsAnsweredConfirms) {
    const NeighborKey key{kLan, builders::address("10.77.1.9")};
    table_.confirm(key, builders::kPeerMac, coarse_seconds(now_));
    now_ += std::chrono::seconds{30};
    slice();
    static_cast<void>(send("10.77.1.9"));
    now_ += std::chrono::milliseconds{2};
    slice();
    slice();
    EXPECT_EQ(pass(reply("10.77.1.9")), Lane::absorb);
    EXPECT_EQ(table_.state_of(key), NeighborState::reachable);
    now_ += std::chrono::seconds{5};
    slice();
    EXPECT_EQ(requests(), 0U);
}

TEST_F(Arp, UnusedNeighboursAreForgotten) {
    const NeighborKey key{kLan, builders::address("10.77.1.9")};
    table_.confirm(key, builders::kPeerMac, coarse_seconds(now_));
    now_ += std::chrono::seconds{599};
    slice();
    EXPECT_EQ(table_.state_of(key), NeighborState::stale);
    now_ += std::chrono::seconds{1};
    slice();
    EXPECT_EQ(table_.state_of(key), NeighborState::none);
}

TEST_F(Arp, AnnouncesEveryAddressThreeTimes) {
    resolver_.announce(now_);
    std::vector<Ipv4Address> announced;
    for (int second = 0; second < 6; ++second) {
        slice();
        for (const PacketIndex index : batch_.lane(Lane::transmit)) {
            const auto& arp = batch_[index].header<ArpHeader>(14);
            EXPECT_EQ(arp.sender_address, arp.target_address);
            announced.push_back(Ipv4Address{arp.sender_address});
        }
        now_ += std::chrono::seconds{1};
    }
    for (const char* ours : {"10.77.1.1", "192.0.2.10", "192.0.2.20", "10.77.9.1"}) {
        EXPECT_EQ(std::count(announced.begin(), announced.end(), builders::address(ours)), 3)
            << ours;
    }
    EXPECT_EQ(announced.size(), 12U);
}

TEST_F(Arp, DiscardGivesEveryBufferBack) {
    ASSERT_EQ(send("10.77.1.9"), Lane::hold);
    ASSERT_EQ(send("10.77.1.8"), Lane::hold);
    batch_.clear();
    EXPECT_FALSE(resolver_.discard(batch_));
    EXPECT_EQ(batch_.lane(Lane::drop).size(), 2U);
}

}  // namespace
}  // namespace towpath::route
