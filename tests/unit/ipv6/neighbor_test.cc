// SPDX-License-Identifier: BSD-3-Clause
// Neighbour discovery, through the whole pipeline and by the table alone.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "dataplane/ipv6/neighbor_message.h"
#include "tests/builders/ipv6_gateway.h"

namespace towpath {
namespace {

using namespace builders;
using ipv6::NeighborState;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Now kStart{seconds{10}};
constexpr MacAddress kNewMac{{0x02, 0, 0, 0, 0, 0x55}};

ipv6::NeighborNews news_in(const Packet& packet) {
    const auto news = ipv6::read_neighbor_message(packet);
    TOWPATH_ASSERT(news.has_value());
    EXPECT_TRUE(checksum_is_valid(
        packet.bytes().subspan(54),
        pseudo_header_sum(news->source, news->destination, 58,
                          static_cast<std::uint32_t>(packet.bytes().size() - 54))));
    return *news;
}

class Ipv6Neighbors : public testing::Test {
protected:
    // After the announcements of the start.
    Ipv6Neighbors() {
        for (int second = 0; second < 4; ++second) {
            (void)gateway.housekeeping(Now{seconds{second + 1}});
        }
    }
    void expect_dropped(Frame&& frame, DropReason reason) {
        EXPECT_EQ(gateway.run(frame, kStart).verdict, reason)
            << describe(gateway.batch()[0].verdict).name << " instead of " << describe(reason).name;
        EXPECT_EQ(gateway.batch().lane(Lane::drop).size(), 1U);
    }
    std::size_t in(Lane lane) { return gateway.batch().lane(lane).size(); }
    Packet first(Lane lane) { return gateway.batch()[gateway.batch().lane(lane)[0]]; }
    // A packet to the branch, which is held until its neighbour answers.
    void hold(Frame& frame) {
        (void)gateway.run(frame, kStart);
        ASSERT_EQ(in(Lane::hold), 1U);
    }
    static Frame advertisement(std::uint32_t flags, MacAddress mac = kPeerMac) {
        Frame frame = neighbor6({.type = Icmpv6Type::neighbor_advertisement,
                                 .source = "2001:db8:3::2",
                                 .destination = "2001:db8:3::1",
                                 .target = "2001:db8:3::2",
                                 .flags = flags,
                                 .mac = mac,
                                 .ingress = kBranch});
        frame.ethernet().destination = kBranchMac;
        return frame;
    }

    const ipv6::NeighborKey branch_host{kBranch, address6("2001:db8:3::2")};
    std::shared_ptr<pipeline::Generation> generation = make_ipv6_generation();
    Gateway gateway{GatewayOptions{}.capacity, generation};
};

TEST_F(Ipv6Neighbors, SolicitationForUsIsAnsweredAndItsSenderLearned) {
    Frame frame = neighbor6();
    const Packet packet = gateway.transmitted(frame, kStart);
    const ipv6::NeighborNews news = news_in(packet);
    EXPECT_EQ(news.type, Icmpv6Type::neighbor_advertisement);
    EXPECT_EQ(news.flags, kNeighborRouter | kNeighborSolicited | kNeighborOverride);
    EXPECT_EQ(news.target, address6("2001:db8:1::1"));
    EXPECT_EQ(news.source, news.target);
    EXPECT_EQ(news.destination, address6("2001:db8:1::2"));
    EXPECT_EQ(news.mac, kOurMac);
    EXPECT_EQ(packet.header<EthernetHeader>(0).destination, kPeerMac);
    EXPECT_EQ(gateway.ipv6_neighbors.find({kInside, address6("2001:db8:1::2")}), kPeerMac);
}

TEST_F(Ipv6Neighbors, LinkLocalAddressIsAnsweredToo) {
    Frame frame = neighbor6(
        {.source = "fe80::2", .destination = "ff02::1:ff00:1", .target = "fe80::ff:fe00:1"});
    EXPECT_EQ(news_in(gateway.transmitted(frame, kStart)).source, link_local_of(kOurMac));
}

// RFC 4862 section 5.4.3: who tests an address of ours hears that it is taken.
TEST_F(Ipv6Neighbors, OwnAddressIsDefendedAgainstATest) {
    Frame frame = neighbor6({.source = "::", .has_option = false});
    const Packet packet = gateway.transmitted(frame, kStart);
    const ipv6::NeighborNews news = news_in(packet);
    EXPECT_EQ(news.destination, kAllNodes);
    EXPECT_EQ(news.flags, kNeighborRouter | kNeighborOverride);
    EXPECT_EQ(packet.header<EthernetHeader>(0).destination, group_mac(kAllNodes));
}

TEST_F(Ipv6Neighbors, QuestionsBetweenOthersAreAbsorbed) {
    Frame frame = neighbor6({.destination = "ff02::1:ff00:77", .target = "2001:db8:1::77"});
    (void)gateway.run(frame, kStart);
    EXPECT_EQ(in(Lane::absorb), 1U);
    EXPECT_FALSE(gateway.ipv6_neighbors.find({kInside, address6("2001:db8:1::2")}).has_value());
}

TEST_F(Ipv6Neighbors, HeldPacketLeavesWhenTheNextHopAnswers) {
    Frame frame = udp6();
    hold(frame);
    ASSERT_EQ(in(Lane::transmit), 1U);
    const Packet question = first(Lane::transmit);
    EXPECT_EQ(question.egress, kBranch);
    const ipv6::NeighborNews news = news_in(question);
    EXPECT_EQ(news.target, address6("2001:db8:3::2"));
    EXPECT_EQ(news.destination, address6("ff02::1:ff00:2"));
    EXPECT_EQ(news.source, address6("2001:db8:3::1"));
    EXPECT_EQ(news.mac, kBranchMac);

    Frame answer = advertisement(kNeighborSolicited | kNeighborOverride);
    (void)gateway.run(answer, kStart);
    ASSERT_EQ(in(Lane::transmit), 1U);
    EXPECT_EQ(in(Lane::absorb), 1U);
    const Packet left = first(Lane::transmit);
    EXPECT_EQ(left.header<EthernetHeader>(0).destination, kPeerMac);
    EXPECT_EQ(left.header<Ipv6Header>(14).hop_limit, 63);
    EXPECT_EQ(gateway.counters.released.value(), 1U);
}

TEST_F(Ipv6Neighbors, NextHopThatDoesNotAnswerIsReported) {
    Frame frame = udp6();
    hold(frame);
    gateway.ipv6_neighbors.confirm({kInside, address6("2001:db8:1::2")}, kPeerMac, 10);
    for (int tenths = 1; tenths <= 32; ++tenths) {
        (void)gateway.housekeeping(kStart + milliseconds{100 * tenths});
        if (in(Lane::transmit) == 1 && first(Lane::transmit).egress == kInside) {
            break;
        }
    }
    const Packet error = first(Lane::transmit);
    const auto& icmp = error.header<Icmpv6Header>(54);
    EXPECT_EQ(icmp.type, 1);
    EXPECT_EQ(icmp.code, kIcmpv6AddressUnreachable);
    EXPECT_EQ(gateway.drops(DropReason::neighbor_unreachable), 1U);
    Frame again = udp6({.source_port = 40001});
    EXPECT_EQ(gateway.run(again, kStart + milliseconds{3300}).verdict,
              DropReason::neighbor_unreachable);
    EXPECT_EQ(in(Lane::transmit), 1U);  // told at once
}

TEST_F(Ipv6Neighbors, MoreThanSixteenPacketsDoNotWait) {
    std::vector<Frame> frames;
    for (std::size_t count = 0; count <= route::kPendingPackets; ++count) {
        frames.push_back(udp6());
        (void)gateway.run(frames.back(), kStart);
    }
    EXPECT_EQ(gateway.batch()[0].verdict, DropReason::neighbor_pending_full);
}

TEST_F(Ipv6Neighbors, AdvertisementsOfKnownNeighboursFollowTheFlags) {
    gateway.ipv6_neighbors.confirm(branch_host, kPeerMac, 10);
    Frame other = advertisement(0, kNewMac);
    (void)gateway.run(other, kStart);
    EXPECT_EQ(gateway.ipv6_neighbors.find(branch_host), kPeerMac);
    EXPECT_EQ(gateway.ipv6_neighbors.entry_of(branch_host).state, NeighborState::stale);
    Frame override = advertisement(kNeighborOverride, kNewMac);
    (void)gateway.run(override, kStart);
    EXPECT_EQ(gateway.ipv6_neighbors.find(branch_host), kNewMac);
    EXPECT_EQ(gateway.ipv6_neighbors.entry_of(branch_host).state, NeighborState::reachable);
}

TEST_F(Ipv6Neighbors, WhatNobodyAskedForIsNotLearned) {
    Frame frame = advertisement(kNeighborOverride);
    expect_dropped(std::move(frame), DropReason::nd_unsolicited);
    EXPECT_FALSE(gateway.ipv6_neighbors.find(branch_host).has_value());
}

TEST_F(Ipv6Neighbors, MalformedMessagesDrop) {
    expect_dropped(neighbor6({.hop_limit = 254}), DropReason::nd_malformed);
    expect_dropped(neighbor6({.option_length = 0}), DropReason::nd_malformed);
    expect_dropped(neighbor6({.option_length = 2}), DropReason::nd_malformed);
    expect_dropped(neighbor6({.target = "ff02::1"}), DropReason::nd_malformed);
    // A test of an address names no sender, and asks its group.
    expect_dropped(neighbor6({.source = "::"}), DropReason::nd_malformed);
    expect_dropped(neighbor6({.source = "::", .destination = "ff02::1", .has_option = false}),
                   DropReason::nd_malformed);
    // An answer to all nodes answers nobody.
    expect_dropped(neighbor6({.type = Icmpv6Type::neighbor_advertisement,
                              .destination = "ff02::1",
                              .target = "2001:db8:1::2",
                              .flags = kNeighborSolicited}),
                   DropReason::nd_malformed);
    // RFC 6980: never in fragments.
    Frame fragment = packet6(
        {.hop_limit = 255, .extensions = {0, 0, 0, 1, 0, 0, 0, 1}, .first_extension = 44}, 58, 24);
    fragment.transport()[0] = std::byte{135};
    expect_dropped(std::move(fragment), DropReason::nd_malformed);
}

TEST_F(Ipv6Neighbors, ConflictsAreCountedPerInterface) {
    expect_dropped(neighbor6({.type = Icmpv6Type::neighbor_advertisement,
                              .source = "2001:db8:1::1",
                              .destination = "ff02::1",
                              .flags = kNeighborOverride}),
                   DropReason::nd_conflict);
    expect_dropped(neighbor6({.type = Icmpv6Type::neighbor_advertisement,
                              .source = "2001:db8:1::9",
                              .destination = "ff02::1",
                              .flags = kNeighborOverride}),
                   DropReason::nd_conflict);
    EXPECT_EQ(gateway.counters.interfaces[0].address_conflicts.value(), 2U);
}

TEST_F(Ipv6Neighbors, RouterMessagesAreNotHandled) {
    for (const Icmpv6Type type : {Icmpv6Type::router_solicitation, Icmpv6Type::router_advertisement,
                                  Icmpv6Type::redirect}) {
        expect_dropped(icmp6({.source = "fe80::2",
                              .destination = "ff02::1",
                              .hop_limit = 255,
                              .destination_mac = group_mac(kAllNodes)},
                             type),
                       DropReason::nd_not_handled);
    }
}

TEST_F(Ipv6Neighbors, TunnelsHaveNoNeighbours) {
    generation->interfaces.storage[0].is_tunnel = true;
    expect_dropped(neighbor6(), DropReason::nd_not_handled);
}

TEST_F(Ipv6Neighbors, HostMayAskButNotAnswer) {
    Frame question = neighbor6({.source = "2001:db8:1::1", .target = "2001:db8:1::2"});
    question.packet.from_host = true;
    EXPECT_EQ(gateway.transmitted(question, kStart).egress, kInside);
    Frame answer = neighbor6({.type = Icmpv6Type::neighbor_advertisement,
                              .source = "2001:db8:1::1",
                              .destination = "2001:db8:1::2"});
    answer.packet.from_host = true;
    expect_dropped(std::move(answer), DropReason::nd_from_host);
    Frame test = neighbor6({.source = "::", .has_option = false});
    test.packet.from_host = true;
    expect_dropped(std::move(test), DropReason::nd_from_host);
    // What answers the host may be for it alone.
    generation->interfaces.storage[2].has_host = true;
    Frame heard = advertisement(kNeighborSolicited | kNeighborOverride);
    (void)gateway.run(heard, kStart);
    EXPECT_EQ(in(Lane::punt), 1U);
}

TEST(Ipv6Announcements, TellEveryAddressThreeTimes) {
    Gateway gateway{GatewayOptions{}.capacity, make_ipv6_generation()};
    std::size_t announced = 0;
    for (int half = 0; half < 10; ++half) {
        Batch& batch = gateway.housekeeping(Now{milliseconds{500 * half + 1}});
        for (const PacketIndex index : batch.lane(Lane::transmit)) {
            if (batch[index].header<EthernetHeader>(0).ether_type != be16{kEtherTypeIpv6}) {
                continue;  // of IPv4
            }
            Packet packet = batch[index];
            const ipv6::NeighborNews news = news_in(packet);
            EXPECT_EQ(news.type, Icmpv6Type::neighbor_advertisement);
            EXPECT_EQ(news.destination, kAllNodes);
            EXPECT_EQ(news.flags, kNeighborRouter | kNeighborOverride);
            ++announced;
        }
    }
    EXPECT_EQ(announced, 3U * 6U);  // a global and a link-local one on three interfaces
}

TEST_F(Ipv6Neighbors, UsedNeighbourIsAskedAgainAndForgottenWhenSilent) {
    gateway.ipv6_neighbors.confirm(branch_host, kPeerMac, 10);
    bool was_asked = false;
    Now now = kStart + seconds{31};
    for (int step = 0; step < 400; ++step) {
        now += milliseconds{20};
        Frame frame = udp6();
        (void)gateway.run(frame, now);
        Batch& batch = gateway.housekeeping(now);
        for (const PacketIndex index : batch.lane(Lane::transmit)) {
            const auto news = ipv6::read_neighbor_message(batch[index]);
            // To the neighbour itself, not to the group.
            was_asked = was_asked || (news.has_value() && news->destination == branch_host.address);
        }
        if (was_asked && !gateway.ipv6_neighbors.find(branch_host).has_value()) {
            break;
        }
    }
    EXPECT_TRUE(was_asked);
    EXPECT_FALSE(gateway.ipv6_neighbors.find(branch_host).has_value());
}

TEST(Ipv6NeighborTable, FullBucketReplacesTheOldestAndInterfacesAreForgotten) {
    ipv6::NeighborTable table;
    for (std::uint32_t host = 0; host < 2 * ipv6::kNeighborsMax; ++host) {
        table.confirm({kInside, address_of({0x20010DB8ULL << 32U, host})}, kPeerMac, host);
    }
    EXPECT_TRUE(
        table.find({kInside, address_of({0x20010DB8ULL << 32U, 2 * ipv6::kNeighborsMax - 1})}));
    EXPECT_FALSE(table.find({kOutside, address_of({0x20010DB8ULL << 32U, 5000})}));
    table.confirm({kOutside, kAllNodes}, kNewMac, 1);
    table.remove_interface(kInside);
    EXPECT_FALSE(
        table.find({kInside, address_of({0x20010DB8ULL << 32U, 2 * ipv6::kNeighborsMax - 1})}));
    EXPECT_EQ(table.find({kOutside, kAllNodes}), kNewMac);
    table.remove({kOutside, kAllNodes});
    EXPECT_FALSE(table.find({kOutside, kAllNodes}));
}

// Entries give way to others all the time: who reads meanwhile gets the MAC of whom it asked for.
TEST(Ipv6NeighborTable, ReadersNeverGetTheMacOfAnother) {
    constexpr std::uint32_t kHosts = 2 * ipv6::kNeighborsMax;
    const auto key_of = [](std::uint32_t host) {
        return ipv6::NeighborKey{kInside, address_of({0x20010DB8ULL << 32U, host})};
    };
    const auto mac_of = [](std::uint32_t host) {
        return MacAddress{{2, 0, static_cast<std::uint8_t>(host >> 16U),
                           static_cast<std::uint8_t>(host >> 8U), static_cast<std::uint8_t>(host),
                           1}};
    };
    ipv6::NeighborTable table;
    std::atomic<bool> is_done{false};
    std::atomic<std::uint64_t> wrong{0};
    std::atomic<std::uint64_t> found{0};
    std::thread reader{[&] {
        for (std::uint32_t host = 0; !is_done.load(); host = (host + 1) % kHosts) {
            const auto mac = table.find(key_of(host));
            found += mac.has_value() ? 1U : 0U;
            wrong += mac.has_value() && *mac != mac_of(host) ? 1U : 0U;
        }
    }};
    std::uint32_t now_s = 0;
    while (found.load() < 20000) {
        for (std::uint32_t host = 0; host < kHosts; ++host) {
            table.confirm(key_of(host), mac_of(host), ++now_s);
        }
    }
    is_done = true;
    reader.join();
    EXPECT_EQ(wrong.load(), 0U);
}

}  // namespace
}  // namespace towpath
