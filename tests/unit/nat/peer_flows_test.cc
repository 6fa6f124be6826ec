// SPDX-License-Identifier: BSD-3-Clause
// Flows between peers of a tunnel and private hosts (decisions.md W13): translated to the address
// of the interface that they leave by, or tracked as they are.
#include <gtest/gtest.h>

#include "tests/builders/nat_rig.h"

namespace towpath::nat {
namespace {

using namespace builders;
using namespace std::chrono_literals;
using Exit = NatRig::Exit;

constexpr std::string_view kPeer = "10.99.0.2";
constexpr std::string_view kOwn = "10.0.0.254";  // the gateway's on the private network
constexpr std::string_view kHost = "10.0.0.1";
constexpr std::string_view kStranger = "10.0.0.9";

Endpoint endpoint(std::string_view text, std::uint16_t port) {
    return {address(text), Port{port}};
}
Fields fields(std::string_view source, std::uint16_t source_port, std::string_view destination,
              std::uint16_t destination_port) {
    return {.source = source,
            .source_port = source_port,
            .destination = destination,
            .destination_port = destination_port};
}
Fields with_flags(Fields fields, std::uint8_t flags) {
    fields.tcp_flags = flags;
    return fields;
}

class PeerFlows : public testing::TestWithParam<std::size_t> {
protected:
    PeerFlows() : rig{{.workers = GetParam(), .seed = 5, .realm_address = kOwn}} {
        rig.policy.has_tunnel_flows = true;
    }
    TunnelFlows& flows() { return rig.policy.tunnel_flows[2]; }
    // The last worker, so that with several of them owners differ from receivers.
    [[nodiscard]] WorkerId last() const { return static_cast<WorkerId>(GetParam() - 1); }

    NatRig rig;
};

class Translated : public PeerFlows {
protected:
    Translated() {
        flows().is_translated = true;
        rig.publish();
    }
};

TEST_P(Translated, HostsSeeTheInterfaceAndAnswersFindThePeer) {
    Frame question = udp(fields(kPeer, 5000, kHost, 53));
    ASSERT_TRUE(rig.from_tunnel(question).passed());
    EXPECT_EQ(question.packet.egress, kLan);
    EXPECT_EQ(source_of(question), endpoint(kOwn, 5000));
    EXPECT_EQ(destination_of(question), endpoint(kHost, 53));
    EXPECT_TRUE(checksums_are_valid(question));
    Frame answer = udp(fields(kHost, 53, kOwn, 5000));
    ASSERT_TRUE(rig.from_inside(answer, last()).passed());
    EXPECT_EQ(answer.packet.egress, kTunnel);
    EXPECT_EQ(source_of(answer), endpoint(kHost, 53));
    EXPECT_EQ(destination_of(answer), endpoint(kPeer, 5000));
    EXPECT_TRUE(checksums_are_valid(answer));
    EXPECT_FALSE(answer.packet.is_hairpin);
}

TEST_P(Translated, OneMappingForEveryHostAndAnotherForTheInternet) {
    Frame first = udp(fields(kPeer, 5000, kHost, 53));
    Frame second = udp(fields(kPeer, 5000, "10.0.0.2", 123));
    Frame outside = udp(fields(kPeer, 5000, "198.51.100.1", 53));
    ASSERT_TRUE(rig.from_tunnel(first).passed());
    ASSERT_TRUE(rig.from_tunnel(second, last()).passed());
    ASSERT_TRUE(rig.from_tunnel(outside).passed());
    EXPECT_EQ(source_of(second), source_of(first));
    EXPECT_EQ(source_of(outside), endpoint("203.0.113.9", 5000));
    EXPECT_EQ(rig.live_mappings(), 2U);
    std::array<RemoteView, 4> remotes;
    const auto remotes_in = [&](Realm realm) {
        return rig.owner_of(kPeer)
            .remotes(Protocol::udp, endpoint(kPeer, 5000), 0, remotes, rig.now, realm)
            .count;
    };
    EXPECT_EQ(remotes_in(realm_towards(kLan)), 2U);
    EXPECT_EQ(remotes_in(kOutsideRealm), 0U);  // nobody counts them there
    // Asked by its inside endpoint, it is the mapping towards outside that is told.
    EXPECT_EQ(rig.lookup(Protocol::udp, kPeer, 5000)->outside, endpoint("203.0.113.9", 5000));
    EXPECT_EQ(
        rig.owner_of(kPeer).lookup_outside(Protocol::udp, endpoint(kOwn, 5000), rig.now)->inside,
        endpoint(kPeer, 5000));
}

TEST_P(Translated, WhatAnswersNobodyIsTheHosts) {
    Frame question = udp(fields(kPeer, 5000, kHost, 53));
    ASSERT_TRUE(rig.from_tunnel(question).passed());
    for (const Fields& stranger : {fields(kStranger, 53, kOwn, 5000), fields(kHost, 54, kOwn, 5000),
                                   fields(kHost, 53, kOwn, 5001)}) {
        Frame frame = udp(stranger);
        EXPECT_EQ(rig.from_inside(frame).lane, Lane::classify);
        EXPECT_TRUE(frame.packet.is_unmapped);
        EXPECT_EQ(destination_of(frame), endpoint(kOwn, stranger.destination_port));
    }
    Frame segment = tcp(with_flags(fields(kHost, 53, kOwn, 5000), kTcpSyn));
    EXPECT_EQ(rig.from_inside(segment).lane, Lane::classify);
}

TEST_P(Translated, ConnectionsLiveAndEnd) {
    Frame syn = tcp(with_flags(fields(kPeer, 5000, kHost, 80), kTcpSyn));
    ASSERT_TRUE(rig.from_tunnel(syn).passed());
    EXPECT_EQ(source_of(syn), endpoint(kOwn, 5000));
    Frame answer = tcp(with_flags(fields(kHost, 80, kOwn, 5000), kTcpSyn | kTcpAck));
    ASSERT_TRUE(rig.from_inside(answer, last()).passed());
    EXPECT_EQ(destination_of(answer), endpoint(kPeer, 5000));
    EXPECT_TRUE(checksums_are_valid(answer));
    rig.advance(2h);
    rig.advance(1h);
    EXPECT_EQ(rig.live_mappings(), 0U);
    Frame late = tcp(with_flags(fields(kPeer, 5000, kHost, 80), kTcpAck));
    ASSERT_TRUE(rig.from_tunnel(late).passed());  // told by a reset, as towards outside
    EXPECT_EQ(late.packet.egress, kTunnel);
    EXPECT_NE(late.tcp().flags & kTcpRst, 0);
}

TEST_P(Translated, PingsAndErrorsAreTranslated) {
    Frame ping = icmp_echo(fields(kPeer, 77, kHost, 0));
    ASSERT_TRUE(rig.from_tunnel(ping).passed());
    EXPECT_EQ(source_of(ping), endpoint(kOwn, 77));
    Frame reply = icmp_echo_reply(fields(kHost, 77, kOwn, 0));
    ASSERT_TRUE(rig.from_inside(reply).passed());
    EXPECT_EQ(Ipv4Address{reply.ipv4().destination}, address(kPeer));
    EXPECT_TRUE(checksums_are_valid(reply));

    Frame question = udp(fields(kPeer, 5000, kHost, 53));
    ASSERT_TRUE(rig.from_tunnel(question).passed());
    Frame error = icmp_error({.source = "10.0.0.8", .destination = kOwn}, question,
                             IcmpType::destination_unreachable, kIcmpPortUnreachable);
    ASSERT_TRUE(rig.from_inside(error).passed());
    EXPECT_EQ(Ipv4Address{error.ipv4().source}, address("10.0.0.8"));
    EXPECT_EQ(Ipv4Address{error.ipv4().destination}, address(kPeer));
    EXPECT_EQ(Ipv4Address{error.packet.header<Ipv4Header>(error.packet.l4 + 8U).source},
              address(kPeer));
    EXPECT_TRUE(checksums_are_valid(error));

    Frame answer = udp(fields(kHost, 53, kOwn, 5000));
    ASSERT_TRUE(rig.from_inside(answer).passed());
    Frame back = icmp_error({.source = kPeer, .destination = kHost}, answer,
                            IcmpType::destination_unreachable, kIcmpPortUnreachable);
    ASSERT_TRUE(rig.from_tunnel(back).passed());
    EXPECT_EQ(Ipv4Address{back.ipv4().source}, address(kOwn));
    EXPECT_EQ(Ipv4Address{back.packet.header<Ipv4Header>(back.packet.l4 + 8U).destination},
              address(kOwn));
    EXPECT_TRUE(checksums_are_valid(back));

    Frame unknown = udp(fields(kOwn, 9, kHost, 53));
    Frame for_host = icmp_error({.source = kHost, .destination = kOwn}, unknown,
                                IcmpType::destination_unreachable, kIcmpPortUnreachable);
    EXPECT_EQ(rig.from_inside(for_host).lane, Lane::classify);
    EXPECT_TRUE(for_host.packet.is_unmapped);
}

TEST_P(Translated, AnAnswerThatMayGoNoFurtherIsTold) {
    Frame question = udp(fields(kPeer, 5000, kHost, 53));
    ASSERT_TRUE(rig.from_tunnel(question).passed());
    Fields last_hop = fields(kHost, 53, kOwn, 5000);
    last_hop.ttl = 1;
    Frame answer = udp(last_hop);
    const Exit exit = rig.from_inside(answer);
    EXPECT_EQ(exit.lane, Lane::icmp_error);
    EXPECT_EQ(exit.reason, DropReason::ttl_expired);
}

TEST_P(Translated, ExceptionsTurnItRound) {
    const std::vector<Ipv4Prefix> some{prefix("10.0.1.0/24")};
    flows().exceptions = PrefixSet{some};
    rig.publish();
    const auto seen_by = [this](std::string_view host) {
        Frame frame = udp(fields(kPeer, 5000, host, 53));
        EXPECT_TRUE(rig.from_tunnel(frame).passed());
        return Ipv4Address{frame.ipv4().source};
    };
    EXPECT_EQ(seen_by("10.0.1.7"), address(kPeer));
    EXPECT_EQ(seen_by(kHost), address(kOwn));
    flows().is_translated = false;
    rig.publish();
    EXPECT_EQ(seen_by("10.0.1.7"), address(kOwn));
    EXPECT_EQ(seen_by("10.0.0.3"), address(kPeer));
}

TEST_P(Translated, PortsOfTheHostAreNotGivenAway) {
    rig.policy.reserved_ports.set(5000);
    rig.publish();
    Frame question = udp(fields(kPeer, 5000, kHost, 53));
    ASSERT_TRUE(rig.from_tunnel(question).passed());
    EXPECT_EQ(Ipv4Address{question.ipv4().source}, address(kOwn));
    EXPECT_NE(question.packet.source_port, Port{5000});
}

TEST_P(Translated, NeedsNoNatTowardsOutside) {
    rig.policy.is_enabled = false;
    rig.publish();
    Frame question = udp(fields(kPeer, 5000, kHost, 53));
    ASSERT_TRUE(rig.from_tunnel(question).passed());
    EXPECT_EQ(source_of(question), endpoint(kOwn, 5000));
    Frame outside = udp(fields(kPeer, 5000, "198.51.100.1", 53));
    ASSERT_TRUE(rig.from_tunnel(outside).passed());
    EXPECT_EQ(source_of(outside), endpoint(kPeer, 5000));
}

TEST_P(Translated, AnAddressThatGoesTakesItsMappingsAlong) {
    Frame question = udp(fields(kPeer, 5000, kHost, 53));
    ASSERT_TRUE(rig.from_tunnel(question).passed());
    rig.policy.realm_addresses[0] = address("10.0.0.253");
    rig.rebind({"203.0.113.9"});
    rig.advance(10s);
    EXPECT_EQ(rig.live_mappings(), 0U);
    Frame again = udp(fields(kPeer, 5000, kHost, 53));
    ASSERT_TRUE(rig.from_tunnel(again).passed());
    EXPECT_EQ(source_of(again), endpoint("10.0.0.253", 5000));
    // It pairs no inside address: what goes outside has the pool's.
    for (std::uint16_t port = 6000; port < 6064; ++port) {
        Frame outside = udp(fields(kHost, port, "198.51.100.1", 53));
        ASSERT_TRUE(rig.from_inside(outside).passed());
        EXPECT_EQ(Ipv4Address{outside.ipv4().source}, address("203.0.113.9"));
    }
}

TEST_P(Translated, IsLogged) {
    Frame question = udp(fields(kPeer, 5000, kHost, 53));
    ASSERT_TRUE(rig.from_tunnel(question).passed());
    MappingEvent event;
    ASSERT_TRUE(rig.owner_of(kPeer).events().pop(event));
    EXPECT_EQ(event.kind, MappingEventKind::created);
    EXPECT_EQ(event.inside, endpoint(kPeer, 5000));
    EXPECT_EQ(event.outside, endpoint(kOwn, 5000));
    EXPECT_TRUE(event.is_translated);
}

class Tracked : public PeerFlows {
protected:
    Tracked() {
        flows().is_stateful = true;
        rig.publish();
    }
    // What a host behind the private network sends to the peer.
    Exit answered(Frame frame) { return rig.from_inside(frame, last()); }
    static constexpr Exit kRefused{Lane::drop, DropReason::tunnel_unsolicited, 0};
};

TEST_P(Tracked, PeersBeginAndOnlyAnswersComeBack) {
    EXPECT_EQ(answered(udp(fields(kHost, 53, kPeer, 5000))), kRefused);
    Frame question = udp(fields(kPeer, 5000, kHost, 53));
    ASSERT_TRUE(rig.from_tunnel(question).passed());
    EXPECT_EQ(source_of(question), endpoint(kPeer, 5000));
    EXPECT_TRUE(checksums_are_valid(question));
    EXPECT_EQ(question.ipv4().identification, be16{std::uint16_t{0x1234}});
    EXPECT_TRUE(answered(udp(fields(kHost, 53, kPeer, 5000))).passed());
    EXPECT_EQ(answered(udp(fields(kHost, 54, kPeer, 5000))), kRefused);
    EXPECT_EQ(answered(udp(fields(kStranger, 53, kPeer, 5000))), kRefused);
    EXPECT_EQ(answered(udp(fields(kHost, 53, kPeer, 5001))), kRefused);
    EXPECT_EQ(answered(tcp(with_flags(fields(kHost, 53, kPeer, 5000), kTcpSyn))), kRefused);
}

TEST_P(Tracked, ConnectionsAreThePeersToOpen) {
    EXPECT_EQ(answered(tcp(with_flags(fields(kHost, 80, kPeer, 5000), kTcpSyn))), kRefused);
    Frame syn = tcp(with_flags(fields(kPeer, 5000, kHost, 80), kTcpSyn));
    ASSERT_TRUE(rig.from_tunnel(syn).passed());
    const Exit answer =
        answered(tcp(with_flags(fields(kHost, 80, kPeer, 5000), kTcpSyn | kTcpAck)));
    EXPECT_TRUE(answer.passed());
    Frame ack = tcp(with_flags(fields(kPeer, 5000, kHost, 80), kTcpAck));
    EXPECT_TRUE(rig.from_tunnel(ack).passed());
    EXPECT_TRUE(answered(tcp(fields(kHost, 80, kPeer, 5000))).passed());
    rig.advance(3h);
    EXPECT_EQ(rig.live_mappings(), 0U);
    EXPECT_EQ(answered(tcp(fields(kHost, 80, kPeer, 5000))), kRefused);
}

TEST_P(Tracked, AConnectionThatIsThereGoesOn) {
    // After a restart, or when stateful was switched on: the peer's segment is enough.
    EXPECT_EQ(answered(tcp(fields(kHost, 80, kPeer, 5000))), kRefused);
    Frame segment = tcp(fields(kPeer, 5000, kHost, 80));
    ASSERT_TRUE(rig.from_tunnel(segment).passed());
    EXPECT_TRUE(answered(tcp(fields(kHost, 80, kPeer, 5000))).passed());
    Frame next = tcp(fields(kPeer, 5000, kHost, 80));
    ASSERT_TRUE(rig.from_tunnel(next).passed());
    rig.advance(1h);
    EXPECT_TRUE(answered(tcp(fields(kHost, 80, kPeer, 5000))).passed());
    // A stray one is forgotten soon, and a reset opens nothing.
    Frame stray = tcp(fields(kPeer, 5001, kHost, 80));
    ASSERT_TRUE(rig.from_tunnel(stray).passed());
    rig.advance(5min);
    EXPECT_EQ(answered(tcp(fields(kHost, 80, kPeer, 5001))), kRefused);
    Frame reset = tcp(with_flags(fields(kPeer, 5002, kHost, 80), kTcpRst));
    EXPECT_EQ(rig.from_tunnel(reset).reason, DropReason::nat_tcp_no_state);
}

TEST_P(Tracked, PingsAndErrors) {
    EXPECT_EQ(answered(icmp_echo(fields(kHost, 77, kPeer, 0))), kRefused);
    Frame ping = icmp_echo(fields(kPeer, 77, kHost, 0));
    ASSERT_TRUE(rig.from_tunnel(ping).passed());
    EXPECT_TRUE(checksums_are_valid(ping));
    EXPECT_TRUE(answered(icmp_echo_reply(fields(kHost, 77, kPeer, 0))).passed());
    EXPECT_EQ(answered(icmp_echo(fields(kHost, 77, kPeer, 0))), kRefused);  // not the other way
    EXPECT_EQ(answered(icmp_echo_reply(fields(kStranger, 77, kPeer, 0))), kRefused);
    Frame piece = ipv4(fields(kHost, 0, kPeer, 0), 1, 64);
    piece.packet.fragment = FragmentKind::later;
    piece.packet.transport = TransportKind::icmp_query;
    piece.packet.source_port = piece.packet.destination_port = Port{77};  // as its first one's
    EXPECT_TRUE(answered(std::move(piece)).passed());

    Frame question = udp(fields(kPeer, 5000, kHost, 53));
    ASSERT_TRUE(rig.from_tunnel(question).passed());
    const auto error_about = [](Frame& about, std::string_view source,
                                std::string_view destination) {
        return icmp_error({.source = source, .destination = destination}, about,
                          IcmpType::destination_unreachable, kIcmpPortUnreachable);
    };
    Frame error = error_about(question, "10.0.0.8", kPeer);
    const std::vector<std::byte> before{error.bytes().begin(), error.bytes().end()};
    ASSERT_TRUE(rig.from_inside(error).passed());
    EXPECT_TRUE(std::equal(before.begin(), before.end(), error.bytes().begin()));
    Frame other = udp(fields(kPeer, 5001, kHost, 53));
    EXPECT_EQ(answered(error_about(other, kHost, kPeer)), kRefused);

    Frame answer = udp(fields(kHost, 53, kPeer, 5000));
    Frame back = error_about(answer, kPeer, kHost);
    EXPECT_TRUE(rig.from_tunnel(back).passed());
    Frame never = udp(fields(kStranger, 53, kPeer, 5000));
    Frame invented = error_about(never, kPeer, kStranger);
    EXPECT_EQ(rig.from_tunnel(invented).reason, DropReason::icmp_error_filtered);
}

TEST_P(Tracked, WhatCannotBeTrackedDoesNotPass) {
    Frame begun = ipv4(fields(kPeer, 0, kHost, 0), 47, 16);
    begun.packet.transport = TransportKind::unknown;
    EXPECT_EQ(rig.from_tunnel(begun).reason, DropReason::protocol_unsupported);
    EXPECT_EQ(answered(ipv4(fields(kHost, 0, kPeer, 0), 47, 16)), kRefused);
}

TEST_P(Tracked, PeersOfOneTunnelAreAmongThemselves) {
    Frame frame = udp(fields(kPeer, 5000, "10.99.0.3", 53));
    EXPECT_TRUE(rig.from_tunnel(frame).passed());
    EXPECT_EQ(rig.live_mappings(), 0U);
}

TEST_P(Tracked, TranslatedFlowsHaveTheirOwnState) {
    flows().is_translated = true;
    rig.publish();
    Frame question = udp(fields(kPeer, 5000, kHost, 53));
    ASSERT_TRUE(rig.from_tunnel(question).passed());
    EXPECT_TRUE(answered(udp(fields(kHost, 53, kOwn, 5000))).passed());
    EXPECT_EQ(answered(udp(fields(kHost, 53, kPeer, 5000))), kRefused);
    Frame outside = udp(fields(kPeer, 5000, "198.51.100.1", 53));
    ASSERT_TRUE(rig.from_tunnel(outside).passed());
    Frame back = udp(fields("198.51.100.2", 53, "203.0.113.9", 5000));
    EXPECT_TRUE(rig.from_outside(back).passed());  // as the policy towards outside says
}

TEST_P(Tracked, IsShownAndLoggedAsSuch) {
    Frame question = udp(fields(kPeer, 5000, kHost, 53));
    ASSERT_TRUE(rig.from_tunnel(question).passed());
    const auto view = rig.lookup(Protocol::udp, kPeer, 5000);
    ASSERT_TRUE(view.has_value() && view->sessions == 1);
    EXPECT_TRUE(view->realm == kIdentityRealm && view->outside == view->inside);
    rig.advance(1h);
    EXPECT_FALSE(rig.lookup(Protocol::udp, kPeer, 5000).has_value());  // and no port rests
    for (const auto kind : {MappingEventKind::created, MappingEventKind::ended}) {
        MappingEvent event;
        ASSERT_TRUE(rig.owner_of(kPeer).events().pop(event));
        EXPECT_TRUE(event.kind == kind && !event.is_translated);
        EXPECT_EQ(event.outside, endpoint(kPeer, 5000));
    }
}

INSTANTIATE_TEST_SUITE_P(Workers, Translated, testing::Values(1, 4));
INSTANTIATE_TEST_SUITE_P(Workers, Tracked, testing::Values(1, 4));

TEST(TrackedFlows, AFullTableRefuses) {
    NatRig rig{{.mappings = 4, .sessions = 4}};
    rig.policy.has_tunnel_flows = true;
    rig.policy.tunnel_flows[2].is_stateful = true;
    rig.publish();
    for (std::uint16_t port = 5000; port < 5004; ++port) {
        Frame frame = udp(fields(kPeer, port, kHost, 53));
        ASSERT_TRUE(rig.from_tunnel(frame).passed());
    }
    Frame one_more = udp(fields(kPeer, 5000, kHost, 54));
    const Exit exit = rig.from_tunnel(one_more);
    EXPECT_EQ(exit.lane, Lane::icmp_error);
    EXPECT_EQ(exit.reason, DropReason::nat_session_table_full);
    // What was there goes on.
    Frame answer = udp(fields(kHost, 53, kPeer, 5000));
    EXPECT_TRUE(rig.from_inside(answer).passed());
}

}  // namespace
}  // namespace towpath::nat
