// SPDX-License-Identifier: BSD-3-Clause
// Who may talk to whom: decisions.md N10, N18; nat-behaviour.md 6.1, 6.2, 6.4; BAD-IP-06, 09 to 14.
#include "dataplane/route/classify_stage.h"

#include "dataplane/wire/checksum.h"
#include "tests/unit/route/route_fixture.h"

namespace towpath::route {
namespace {

using builders::Fields;
using enum DropReason;

class Classify : public RouteFixture {
protected:
    Classify() { state_.view = view_; }
    Lane pass(Frame& frame) {
        batch_.clear();
        frame.packet.verdict = none;
        EXPECT_TRUE(batch_.admit(frame.packet, Lane::classify));
        classify_stage(state_, batch_, now_);
        EXPECT_TRUE(batch_.lane(Lane::classify).empty());
        frame.packet = batch_[0];
        return lane_of();
    }
    Lane pass(Frame&& frame) {
        Frame kept = std::move(frame);
        const Lane lane = pass(kept);
        verdict_ = kept.packet.verdict;
        return lane;
    }
    static Frame from_outside(Fields fields) {
        fields.ingress = kWan;
        if (fields.source == Fields{}.source) {
            fields.source = "198.51.100.1";
        }
        return parsed(builders::udp(fields));
    }
    static Frame tcp_from_outside(Fields fields) {
        fields.ingress = kWan;
        fields.source = "198.51.100.1";
        return parsed(builders::tcp(fields));
    }
    static Frame of_host(Frame frame) {
        frame.packet.from_host = true;
        return parsed(std::move(frame));
    }
    void have_hosts() {
        interface(kLan).has_host = true;
        interface(kWan).has_host = true;
    }

    ClassifyState state_;
    DropReason verdict_ = none;
};

TEST_F(Classify, InsideToTheWorldIsRouted) {
    EXPECT_EQ(pass(parsed(builders::udp())), Lane::route);
    EXPECT_EQ(pass(parsed(builders::icmp_echo())), Lane::route);
}

TEST_F(Classify, OutsideToThePoolIsForNat) {
    EXPECT_EQ(pass(from_outside({.destination = "192.0.2.20"})), Lane::nat_inbound);
    EXPECT_EQ(pass(from_outside({.destination = "192.0.2.10"})), Lane::nat_inbound);
}

TEST_F(Classify, InsideToThePoolIsHairpin) {
    EXPECT_EQ(pass(parsed(builders::udp({.destination = "192.0.2.20"}))), Lane::nat_inbound);
}

TEST_F(Classify, InsideSourceMustBeListed_BadIp10) {
    EXPECT_EQ(pass(parsed(builders::udp({.source = "10.77.2.9"}))), Lane::drop);
    EXPECT_EQ(verdict_, source_not_inside);
    EXPECT_EQ(pass(parsed(builders::udp({.source = "10.77.4.9"}))), Lane::route);
}

TEST_F(Classify, SourceOfOursIsALoop_BadIp11_16) {
    for (const char* ours : {"192.0.2.20", "192.0.2.10", "10.77.1.1"}) {
        EXPECT_EQ(pass(parsed(builders::udp({.source = ours}))), Lane::drop);
        EXPECT_EQ(verdict_, source_is_pool);
        EXPECT_EQ(pass(from_outside({.source = ours, .destination = "10.77.9.1"})), Lane::drop);
        EXPECT_EQ(verdict_, source_is_pool);
    }
}

TEST_F(Classify, OutsideMayNotClaimAnInsideSource_BadIp12) {
    EXPECT_EQ(pass(from_outside({.source = "10.77.4.2", .destination = "192.0.2.20"})), Lane::drop);
    EXPECT_EQ(verdict_, source_is_inside);
}

TEST_F(Classify, DirectedBroadcast_BadIp13) {
    EXPECT_EQ(pass(parsed(builders::udp({.destination = "192.0.2.255"}))), Lane::drop);
    EXPECT_EQ(verdict_, directed_broadcast);
    EXPECT_EQ(pass(parsed(builders::icmp_echo({.destination = "10.77.1.255"}))), Lane::drop);
    EXPECT_EQ(verdict_, directed_broadcast);  // BAD-ICQ-05
}

TEST_F(Classify, OtherProtocols_BadIp14) {
    const Fields outside{.source = "198.51.100.1", .destination = "192.0.2.20", .ingress = kWan};
    EXPECT_EQ(pass(parsed(builders::ipv4(outside, 47, 40))), Lane::drop);
    EXPECT_EQ(verdict_, protocol_unsupported);
    const Fields transit{.source = "198.51.100.1", .destination = "10.77.1.2", .ingress = kWan};
    EXPECT_EQ(pass(parsed(builders::ipv4(transit, 47, 40))), Lane::drop);
    EXPECT_EQ(verdict_, protocol_unsupported);
    Frame hairpin = parsed(builders::ipv4({.destination = "192.0.2.20"}, 47, 40));
    EXPECT_EQ(pass(hairpin), Lane::icmp_error);
    EXPECT_EQ(hairpin.packet.icmp_type, 3);
    EXPECT_EQ(hairpin.packet.icmp_code, 2);
}

TEST_F(Classify, TtlIsCheckedBeforeNat_BadIp06) {
    Frame outbound = parsed(builders::udp({.ttl = 1}));
    EXPECT_EQ(pass(outbound), Lane::icmp_error);
    EXPECT_EQ(outbound.packet.verdict, ttl_expired);
    EXPECT_EQ(outbound.packet.icmp_type, 11);
    EXPECT_EQ(outbound.packet.icmp_code, 0);
    EXPECT_EQ(pass(from_outside({.destination = "192.0.2.20", .ttl = 1})), Lane::icmp_error);
    EXPECT_EQ(pass(parsed(builders::udp({.ttl = 2}))), Lane::route);
}

TEST_F(Classify, TtlOfOneReachesTheBoxItself) {
    have_hosts();
    EXPECT_EQ(pass(parsed(builders::tcp({.destination = "10.77.1.1", .ttl = 1}))), Lane::punt);
}

TEST_F(Classify, EchoIsAnsweredInPlace) {
    for (const char* ours : {"10.77.1.1", "192.0.2.10", "192.0.2.20"}) {
        Frame frame = parsed(builders::icmp_echo(
            {.source_port = 77, .destination = ours, .ttl = 1, .icmp_sequence = 3}));
        ASSERT_EQ(pass(frame), Lane::transmit);
        EXPECT_EQ(frame.packet.egress, kLan);
        EXPECT_EQ(frame.icmp().type, 0);
        EXPECT_EQ(frame.icmp().identifier.host(), 77);
        EXPECT_EQ(Ipv4Address{frame.ipv4().source}, builders::address(ours));
        EXPECT_EQ(Ipv4Address{frame.ipv4().destination}, builders::address("10.77.1.2"));
        EXPECT_EQ(frame.ipv4().ttl, 64);
        EXPECT_TRUE(checksum_is_valid(frame.header()));
        EXPECT_TRUE(checksum_is_valid(frame.transport()));
        EXPECT_EQ(frame.ethernet().destination, builders::kPeerMac);
        EXPECT_EQ(frame.ethernet().source, builders::kOurMac);
    }
}

TEST_F(Classify, EchoFromOutsideIsRateLimited) {
    state_.echo_limit = RateLimit::per_second(10, 2);
    const auto ping = [&] {
        return pass(parsed(builders::icmp_echo(
            {.source = "198.51.100.1", .destination = "192.0.2.10", .ingress = kWan})));
    };
    EXPECT_EQ(ping(), Lane::transmit);
    EXPECT_EQ(ping(), Lane::transmit);
    EXPECT_EQ(ping(), Lane::drop);
    EXPECT_EQ(verdict_, local_rate_limited);
    now_ += std::chrono::milliseconds{100};
    EXPECT_EQ(ping(), Lane::transmit);
    for (int repeat = 0; repeat < 10; ++repeat) {  // inside is not
        EXPECT_EQ(pass(parsed(builders::icmp_echo({.destination = "10.77.1.1"}))), Lane::transmit);
    }
}

TEST_F(Classify, InsideMayTalkToTheHost) {
    EXPECT_EQ(pass(parsed(builders::tcp({.destination = "10.77.1.1"}))), Lane::drop);
    EXPECT_EQ(verdict_, local_no_host);
    have_hosts();
    EXPECT_EQ(pass(parsed(builders::tcp({.destination = "10.77.1.1"}))), Lane::punt);
    EXPECT_EQ(pass(parsed(builders::tcp({.destination = "192.0.2.10", .destination_port = 22}))),
              Lane::punt);
}

TEST_F(Classify, OutsideIsDeniedByDefault) {
    have_hosts();
    const Fields ssh{.destination = "192.0.2.10", .destination_port = 22, .tcp_flags = kTcpSyn};
    EXPECT_EQ(pass(tcp_from_outside(ssh)), Lane::drop);
    EXPECT_EQ(verdict_, local_denied);
    settings_.allow = {{.interface = kWan, .ip_protocol = 6, .port_first = 22, .port_last = 22}};
    rebuild();
    EXPECT_EQ(pass(tcp_from_outside(ssh)), Lane::punt);
    EXPECT_EQ(pass(tcp_from_outside({.destination = "10.77.1.1", .destination_port = 23})),
              Lane::drop);
    EXPECT_EQ(verdict_, local_denied);
}

TEST_F(Classify, AllowLooksAtEveryPartOfARule) {
    settings_.allow = {{.from = builders::prefix("198.51.100.0/24"),
                        .ip_protocol = 17,
                        .port_first = 53,
                        .port_last = 53}};
    rebuild();
    const Interface& wan = interface(kWan);
    const Port dns{std::uint16_t{53}};
    const Ipv4Address friendly = builders::address("198.51.100.9");
    EXPECT_TRUE(local_.allows(wan, friendly, 17, dns));
    EXPECT_FALSE(local_.allows(wan, builders::address("203.0.113.9"), 17, dns));
    EXPECT_FALSE(local_.allows(wan, friendly, 6, dns));
    EXPECT_FALSE(local_.allows(wan, friendly, 17, Port{std::uint16_t{54}}));
    EXPECT_TRUE(local_.allows(interface(kLan), friendly, 6, Port{std::uint16_t{1}}));
    EXPECT_FALSE(local_.allows(interface(kNeutral), friendly, 6, Port{std::uint16_t{1}}));
}

TEST_F(Classify, AnswersToTheHostComeIn_N10) {
    have_hosts();
    const std::uint16_t ephemeral = 61000;
    EXPECT_EQ(pass(from_outside({.destination = "192.0.2.10", .destination_port = ephemeral})),
              Lane::punt);
    Fields segment{.destination = "192.0.2.10", .destination_port = ephemeral};
    segment.tcp_flags = kTcpSyn | kTcpAck;
    EXPECT_EQ(pass(tcp_from_outside(segment)), Lane::punt);
    segment.tcp_flags = kTcpSyn;
    EXPECT_EQ(pass(tcp_from_outside(segment)), Lane::drop);
    EXPECT_EQ(verdict_, local_denied);
}

TEST_F(Classify, HostKeepsToItsPortsOnASharedAddress_N10) {
    EXPECT_EQ(pass(of_host(
                  builders::udp({.source = "192.0.2.10", .source_port = 61000, .ingress = kWan}))),
              Lane::transmit);
    EXPECT_EQ(pass(of_host(
                  builders::udp({.source = "192.0.2.10", .source_port = 60999, .ingress = kWan}))),
              Lane::drop);
    EXPECT_EQ(verdict_, host_port_not_reserved);
    // An address that no mapping shares.
    EXPECT_EQ(pass(of_host(builders::udp({.source = "10.77.1.1", .source_port = 53}))),
              Lane::transmit);
}

TEST_F(Classify, HostPacketsLeaveUnchangedWhereTheyWereSent) {
    Frame frame = of_host(builders::udp({.source = "10.77.1.1", .ttl = 1}));
    const std::vector<std::byte> before(frame.bytes().begin(), frame.bytes().end());
    ASSERT_EQ(pass(frame), Lane::transmit);
    EXPECT_EQ(frame.packet.egress, kLan);
    EXPECT_TRUE(std::equal(before.begin(), before.end(), frame.bytes().begin()));
    interface(kLan).is_up = false;
    EXPECT_EQ(pass(frame), Lane::drop);
    EXPECT_EQ(frame.packet.verdict, port_down);
}

TEST_F(Classify, DhcpAnswersReachTheHost) {
    const Fields offer{.source = "192.0.2.1",
                       .source_port = 67,
                       .destination = "255.255.255.255",
                       .destination_port = 68,
                       .ingress = kWan};
    EXPECT_EQ(pass(parsed(builders::udp(offer))), Lane::drop);
    EXPECT_EQ(verdict_, ipv4_bad_destination);
    have_hosts();
    EXPECT_EQ(pass(parsed(builders::udp(offer))), Lane::punt);
    Fields other = offer;
    other.destination_port = 69;
    EXPECT_EQ(pass(parsed(builders::udp(other))), Lane::drop);
    EXPECT_EQ(verdict_, ipv4_bad_destination);
}

TEST_F(Classify, EchoInFragmentsIsForTheHostThatReassembles) {
    Frame frame = parsed(builders::icmp_echo({.destination = "10.77.1.1"}));
    frame.packet.fragment = FragmentKind::first;
    have_hosts();
    EXPECT_EQ(pass(frame), Lane::punt);
    Frame pool = parsed(builders::icmp_echo({.destination = "192.0.2.20"}));
    pool.packet.fragment = FragmentKind::first;
    EXPECT_EQ(pass(pool), Lane::drop);
    EXPECT_EQ(pool.packet.verdict, local_denied);
}

TEST(TokenBucket, StartsFullAndRefills) {
    const RateLimit limit = RateLimit::per_second(10, 3);
    TokenBucket bucket;
    Now now{std::chrono::hours{1}};
    for (int taken = 0; taken < 3; ++taken) {
        EXPECT_TRUE(bucket.take(limit, now));
    }
    EXPECT_FALSE(bucket.take(limit, now));
    now += std::chrono::milliseconds{99};
    EXPECT_FALSE(bucket.take(limit, now));
    now += std::chrono::milliseconds{1};
    EXPECT_TRUE(bucket.take(limit, now));
    EXPECT_FALSE(bucket.take(limit, now));
    now += std::chrono::hours{1};  // never more than the burst
    for (int taken = 0; taken < 3; ++taken) {
        EXPECT_TRUE(bucket.take(limit, now));
    }
    EXPECT_FALSE(bucket.take(limit, now));
}

// Whoever knows a key may talk to a tunnel: no rule of local.allow is needed (decisions.md W9).
TEST_F(Classify, DatagramsForATunnelAreOpened) {
    Frame outside = parsed(builders::udp({.source = "203.0.113.9",
                                          .source_port = 40000,
                                          .destination = "192.0.2.10",
                                          .destination_port = 51820}));
    outside.packet.ingress = kWan;
    EXPECT_EQ(pass(outside), Lane::open);
    for (const FragmentKind kind : {FragmentKind::first, FragmentKind::later}) {
        outside.packet.fragment = kind;
        EXPECT_EQ(pass(outside), Lane::reassemble) << "decisions.md W8";
    }
    Frame inside = parsed(builders::udp({.destination = "10.77.1.1", .destination_port = 51820}));
    EXPECT_EQ(pass(inside), Lane::open);
    Frame tcp = parsed(builders::tcp({.destination = "10.77.1.1", .destination_port = 51820}));
    EXPECT_NE(pass(tcp), Lane::open);
    // A pool address that is not ours as well belongs to mappings.
    Frame pool = parsed(builders::udp({.source = "203.0.113.9",
                                       .source_port = 40000,
                                       .destination = "192.0.2.20",
                                       .destination_port = 51820}));
    pool.packet.ingress = kWan;
    EXPECT_EQ(pass(pool), Lane::nat_inbound);
}

// The answer is ours: its TTL is not decremented on the way into the tunnel.
TEST_F(Classify, EchoFromATunnelIsAnsweredIntoIt) {
    Frame frame = parsed(builders::icmp_echo({.source = "10.99.0.2", .destination = "10.99.0.1"}));
    frame.packet.ingress = kTunnel;
    EXPECT_EQ(pass(frame), Lane::link);
    EXPECT_EQ(frame.packet.egress, kTunnel);
    EXPECT_TRUE(frame.packet.is_originated);
}

// What the host sends into a tunnel has to be sealed; elsewhere it is a frame already (W10).
TEST_F(Classify, TheHostsPacketsEnterATunnelByItsDevice) {
    Frame frame = parsed(builders::udp({.source = "10.99.0.1", .destination = "10.99.0.2"}));
    frame.packet.ingress = kTunnel;
    frame.packet.from_host = true;
    EXPECT_EQ(pass(frame), Lane::link);
}

// decisions.md W13: peers of a tunnel have 10.77.1.1 towards lan, and the host keeps it.
TEST_F(Classify, AnswersToPeersShareTheAddressWithTheHost) {
    have_hosts();
    settings_.realm_addresses = {builders::address("10.77.1.1")};
    rebuild();
    state_.view = view_;
    const auto to_own = [](InterfaceId ingress, std::uint16_t port, std::uint8_t ttl = 64) {
        return parsed(builders::udp({.source = ingress == kLan ? "10.77.1.2" : "10.77.9.2",
                                     .destination = "10.77.1.1",
                                     .destination_port = port,
                                     .ttl = ttl,
                                     .ingress = ingress}));
    };
    EXPECT_EQ(pass(to_own(kLan, 5000)), Lane::nat_inbound);
    EXPECT_EQ(pass(to_own(kLan, 5000, 1)), Lane::nat_inbound);  // it may be the host's
    EXPECT_EQ(pass(to_own(kLan, 22)), Lane::punt);              // certainly the host's
    EXPECT_EQ(pass(to_own(kLan, 51820)), Lane::open);
    EXPECT_EQ(pass(parsed(builders::icmp_echo({.destination = "10.77.1.1"}))), Lane::transmit);
    EXPECT_EQ(pass(parsed(builders::icmp_echo_reply({.destination = "10.77.1.1"}))),
              Lane::nat_inbound);
    // Answers come by the interface whose address it is.
    EXPECT_EQ(pass(to_own(kNeutral, 5000)), Lane::drop);
    EXPECT_EQ(verdict_, local_denied);
    // Nobody's answer.
    Frame unmapped = to_own(kLan, 5000);
    unmapped.packet.is_unmapped = true;
    EXPECT_EQ(pass(unmapped), Lane::punt);
    interface(kLan).has_host = false;
    EXPECT_EQ(pass(unmapped), Lane::drop);
    EXPECT_EQ(unmapped.packet.verdict, local_no_host);
    // The host may speak from any port of it.
    Frame spoken = of_host(builders::tcp(
        {.source = "10.77.1.1", .source_port = 8080, .destination = "10.77.1.2", .ingress = kLan}));
    EXPECT_EQ(pass(spoken), Lane::transmit);
}

}  // namespace
}  // namespace towpath::route
