// SPDX-License-Identifier: BSD-3-Clause
// Where IPv6 packets go and who hears of it when they do not, through the whole pipeline.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "dataplane/packet/ipv6_next_hop.h"
#include "tests/builders/ipv6_gateway.h"

namespace towpath {
namespace {

using namespace builders;
using std::chrono::seconds;

constexpr Now kStart{seconds{100}};
constexpr std::string_view kInsideHost = "2001:db8:1::2";
constexpr std::string_view kBranchHost = "2001:db8:3::2";

class Ipv6Forward : public testing::Test {
protected:
    Ipv6Forward() {
        for (const char* host : {"2001:db8:3::2", "2001:db8:3::fe"}) {
            gateway.ipv6_neighbors.confirm({kBranch, address6(host)}, kPeerMac, 1);
        }
        for (const char* host : {"2001:db8:1::2", "fe80::2"}) {
            gateway.ipv6_neighbors.confirm({kInside, address6(host)}, kPeerMac, 1);
        }
        gateway.ipv6_neighbors.confirm({kOutside, address6("2001:db8:2::2")}, kPeerMac, 1);
    }
    void expect_dropped(Frame& frame, DropReason reason) {
        EXPECT_EQ(gateway.run(frame, kStart).verdict, reason)
            << describe(gateway.batch()[0].verdict).name << " instead of " << describe(reason).name;
        EXPECT_EQ(gateway.batch().lane(Lane::drop).size(), 1U);
    }
    void expect_dropped(Frame&& frame, DropReason reason) { expect_dropped(frame, reason); }
    // The packet is rejected; the error, which went back to its sender.
    Packet expect_told(Frame& frame, DropReason reason, Icmpv6Type type, std::uint8_t code) {
        const std::uint64_t before = gateway.drops(reason);
        const Packet error = gateway.transmitted(frame, kStart);
        EXPECT_EQ(gateway.drops(reason), before + 1);
        const auto& ip = error.header<Ipv6Header>(14);
        const auto& icmp = error.header<Icmpv6Header>(54);
        EXPECT_EQ(icmp.type, static_cast<std::uint8_t>(type));
        EXPECT_EQ(icmp.code, code);
        EXPECT_EQ(error.length, 54U + ip.payload_length_bytes.host());
        EXPECT_TRUE(checksum_is_valid(
            error.bytes().subspan(54),
            pseudo_header_sum(ip.source, ip.destination, 58, ip.payload_length_bytes.host())));
        return error;
    }
    Packet expect_told(Frame&& frame, DropReason reason, Icmpv6Type type, std::uint8_t code) {
        return expect_told(frame, reason, type, code);
    }
    static Ipv6Fields from_branch() {
        return {.source = kBranchHost,
                .destination = kInsideHost,
                .ingress = kBranch,
                .destination_mac = kBranchMac};
    }
    static Ipv6Fields from_outside() {
        return {.source = "2001:db8:2::2",
                .destination = "2001:db8:2::1",
                .ingress = kOutside,
                .destination_mac = kOutsideMac};
    }
    std::shared_ptr<pipeline::Generation> generation = make_ipv6_generation();
    Gateway gateway{GatewayOptions{}.capacity, generation};
};

TEST_F(Ipv6Forward, PacketsCrossWithOneHopLess) {
    Frame frame = udp6();
    const std::vector<std::byte> before{frame.bytes().begin() + 54, frame.bytes().end()};
    const Packet packet = gateway.transmitted(frame, kStart);
    EXPECT_EQ(packet.egress, kBranch);
    EXPECT_EQ(packet.header<Ipv6Header>(14).hop_limit, 63);
    EXPECT_EQ(packet.header<EthernetHeader>(0).source, kBranchMac);
    EXPECT_EQ(packet.header<EthernetHeader>(0).destination, kPeerMac);
    EXPECT_TRUE(std::equal(before.begin(), before.end(), packet.bytes().begin() + 54));
    Frame back = tcp6(from_branch(), kTcpSyn);
    EXPECT_EQ(gateway.transmitted(back, kStart).egress, kInside);
}

TEST_F(Ipv6Forward, RouterLeadsToNetworksBehindIt) {
    Frame frame = udp6({.destination = "2001:db8:30::7"});
    const Packet packet = gateway.transmitted(frame, kStart);
    EXPECT_EQ(packet.egress, kBranch);
    EXPECT_EQ(ipv6_next_hop(packet), address6("2001:db8:3::fe"));
}

TEST_F(Ipv6Forward, HopLimitThatRunsOutIsTold) {
    Frame frame = udp6({.hop_limit = 1});
    const Packet error = expect_told(frame, DropReason::ttl_expired, Icmpv6Type::time_exceeded, 0);
    EXPECT_EQ(error.header<Ipv6Header>(14).source, address6("2001:db8:1::1"));
    EXPECT_EQ(error.header<Ipv6Header>(14).destination, address6(kInsideHost));
    EXPECT_EQ(error.header<EthernetHeader>(0).destination, kPeerMac);
    // The whole packet is quoted as it came.
    EXPECT_EQ(error.header<Ipv6Header>(62).hop_limit, 1);
    EXPECT_EQ(error.length, 14 + 40 + 8 + 40 + 8 + 16);
}

TEST_F(Ipv6Forward, DestinationWithoutRouteIsTold) {
    (void)expect_told(udp6({.destination = "2001:db8:77::1"}), DropReason::route_none,
                      Icmpv6Type::destination_unreachable, kIcmpv6NoRoute);
}

// decisions.md W13: clients fall back to IPv4 at once.
TEST_F(Ipv6Forward, NothingLeavesToOutsideAndTheSenderIsTold) {
    (void)expect_told(udp6({.destination = "2001:db8:99::1"}), DropReason::ipv6_no_exit,
                      Icmpv6Type::destination_unreachable, kIcmpv6NoRoute);
}

// decisions.md N18.
TEST_F(Ipv6Forward, NothingComesInFromOutside) {
    Ipv6Fields fields = from_outside();
    for (const char* destination : {"2001:db8:1::2", "2001:db8:3::2", "2001:db8:99::1"}) {
        fields.destination = destination;
        expect_dropped(udp6(fields), DropReason::ipv6_from_outside);
    }
}

TEST_F(Ipv6Forward, PacketAboveTheMtuIsTold) {
    Frame fits = udp6({.payload_bytes = 1280 - 48});
    EXPECT_EQ(gateway.transmitted(fits, kStart).egress, kBranch);
    Frame frame = udp6({.source_port = 7, .payload_bytes = 1280 - 47});
    const Packet error =
        expect_told(frame, DropReason::route_too_big, Icmpv6Type::packet_too_big, 0);
    EXPECT_EQ(error.header<Icmpv6Header>(54).body.host(), 1280U);
    EXPECT_EQ(error.length, 14U + kIpv6MtuMinimum_bytes);  // RFC 4443 section 2.4 c
}

TEST_F(Ipv6Forward, SourcesStayOnTheirSide) {
    expect_dropped(udp6({.source = "2001:db8:3::9"}), DropReason::source_not_inside);
    expect_dropped(udp6({.source = "2001:db8:77::9"}), DropReason::source_not_inside);
    Ipv6Fields fields = from_branch();
    fields.source = "2001:db8:1::9";
    expect_dropped(udp6(fields), DropReason::source_is_inside);
    expect_dropped(udp6({.source = "2001:db8:3::1"}), DropReason::source_is_pool);
    expect_dropped(udp6({.source = "fe80::ff:fe00:1"}), DropReason::source_is_pool);
}

TEST_F(Ipv6Forward, LinkLocalAddressesDoNotLeaveTheirLink) {
    expect_dropped(udp6({.source = "fe80::2"}), DropReason::ipv6_link_local_transit);
    expect_dropped(udp6({.destination = "fe80::77"}), DropReason::ipv6_link_local_transit);
}

TEST_F(Ipv6Forward, EchoIsAnsweredOnEveryOwnAddress) {
    for (const char* own : {"2001:db8:1::1", "2001:db8:3::1", "fe80::ff:fe00:1"}) {
        Frame frame = icmp6({.source = own[0] == 'f' ? "fe80::2" : kInsideHost, .destination = own},
                            Icmpv6Type::echo_request);
        const Packet packet = gateway.transmitted(frame, kStart);
        const auto& ip = packet.header<Ipv6Header>(14);
        EXPECT_EQ(ip.source, address6(own));
        EXPECT_EQ(packet.header<Icmpv6Header>(54).type, 129);
        EXPECT_EQ(packet.header<EthernetHeader>(0).destination, kPeerMac);
        EXPECT_TRUE(checksum_is_valid(
            packet.bytes().subspan(54),
            pseudo_header_sum(ip.source, ip.destination, 58, ip.payload_length_bytes.host())));
    }
}

TEST_F(Ipv6Forward, EchoFromOutsideIsLimited) {
    const auto request = [] { return icmp6(from_outside(), Icmpv6Type::echo_request); };
    for (int count = 0; count < 100; ++count) {
        Frame frame = request();
        (void)gateway.transmitted(frame, kStart);
    }
    expect_dropped(request(), DropReason::local_rate_limited);
}

TEST_F(Ipv6Forward, ServicesNeedAHostAndFromOutsideARule) {
    Ipv6Fields fields = from_outside();
    fields.destination_port = 22;
    expect_dropped(tcp6(fields, kTcpSyn), DropReason::local_denied);
    expect_dropped(tcp6({.destination = "2001:db8:1::1"}, kTcpSyn), DropReason::local_no_host);
    generation->interfaces.storage[0].has_host = true;
    generation->interfaces.storage[1].has_host = true;
    route::LocalSettings settings;
    settings.allow = {{.ip_protocol = 6, .port_first = 22, .port_last = 22},
                      {.from = prefix("192.0.2.0/24")},
                      {.ip_protocol = 1}};
    generation->local = route::LocalPolicy{settings, generation->interfaces};
    std::array<Frame, 3> frames{tcp6(fields, kTcpSyn),
                                tcp6({.destination = "2001:db8:1::1"}, kTcpSyn),
                                icmp6(from_outside(), Icmpv6Type::parameter_problem)};
    for (Frame& frame : frames) {
        (void)gateway.run(frame, kStart);
        EXPECT_EQ(gateway.batch().lane(Lane::punt).size(), 1U);
    }
    // A rule for IPv4 sources says nothing of IPv6.
    expect_dropped(udp6(from_outside()), DropReason::local_denied);
}

TEST_F(Ipv6Forward, AnswersToTheHostNeedNoRule) {
    generation->interfaces.storage[1].has_host = true;
    Ipv6Fields fields = from_outside();
    fields.destination_port = 61000;
    std::array<Frame, 4> frames{tcp6(fields, kTcpSyn | kTcpAck), udp6(fields),
                                icmp6(fields, Icmpv6Type::echo_reply),
                                icmp6(fields, Icmpv6Type::destination_unreachable)};
    for (Frame& frame : frames) {
        (void)gateway.run(frame, kStart);
        EXPECT_EQ(gateway.batch().lane(Lane::punt).size(), 1U);
    }
    expect_dropped(tcp6(fields, kTcpSyn), DropReason::local_denied);
}

TEST_F(Ipv6Forward, FragmentsToTheBoxDrop) {
    Ipv6Fields fields{.destination = "2001:db8:1::1",
                      .extensions = {0, 0, 0, 1, 0, 0, 0, 1},
                      .first_extension = 44};
    expect_dropped(udp6(fields), DropReason::ipv6_local_fragment);
    fields.extensions[3] = 8;
    expect_dropped(packet6(fields, 17, 8), DropReason::ipv6_local_fragment);
}

TEST_F(Ipv6Forward, HostSendsAsItLikesWhileTheLinkIsUp) {
    Frame frame = udp6({.source = "2001:db8:1::1", .destination = "2001:db8:1::2"});
    frame.packet.from_host = true;
    const Packet packet = gateway.transmitted(frame, kStart);
    EXPECT_EQ(packet.egress, kInside);
    EXPECT_EQ(packet.header<Ipv6Header>(14).hop_limit, 64);
    generation->interfaces.storage[0].is_up = false;
    Frame again = udp6();
    again.packet.from_host = true;
    expect_dropped(again, DropReason::port_down);
}

TEST_F(Ipv6Forward, LinkThatIsDownDrops) {
    generation->interfaces.storage[2].is_up = false;
    expect_dropped(udp6(), DropReason::port_down);
}

// RFC 4443 section 2.4 e, f.
TEST_F(Ipv6Forward, ErrorsAboutErrorsAndTooManyAreNotSent) {
    expect_dropped(icmp6({.destination = "2001:db8:77::1"}, Icmpv6Type::parameter_problem),
                   DropReason::route_none);
    Frame first = udp6({.destination = "2001:db8:77::1"});
    (void)gateway.transmitted(first, kStart);
    expect_dropped(udp6({.destination = "2001:db8:77::1"}), DropReason::route_none);
    EXPECT_EQ(gateway.counters.suppressed_errors.repeated.value(), 1U);
    for (std::uint16_t port = 1; port < 10; ++port) {
        Frame frame = udp6({.destination = "2001:db8:77::1", .source_port = port});
        (void)gateway.run(frame, kStart);
    }
    EXPECT_EQ(gateway.counters.suppressed_errors.over_rate.value(), 4U);
    EXPECT_EQ(gateway.drops(DropReason::route_none), 12U);
}

TEST_F(Ipv6Forward, PacketsForATunnelGoToItsStageWithOneHopLess) {
    generation->interfaces.storage[2].is_tunnel = true;
    std::unique_ptr<Batch> batch = std::make_unique<Batch>();
    Frame frame = udp6();
    frame.packet.egress = kBranch;
    set_ipv6_next_hop(frame.packet, address6(kBranchHost));
    ASSERT_TRUE(batch->admit(frame.packet, Lane::link6));
    ipv6::LinkState state;
    state.view.interfaces = &generation->interfaces;
    state.neighbors = &gateway.ipv6_neighbors;
    ipv6::link_stage(state, *batch, kStart);
    ASSERT_EQ(batch->lane(Lane::seal).size(), 1U);
    EXPECT_EQ(ip6(frame).hop_limit, 63);
}

// What peers may send is the tunnel's to say, by allowed IPs.
TEST_F(Ipv6Forward, TunnelsVouchForTheirSources) {
    generation->interfaces.storage[2].is_tunnel = true;
    Ipv6Fields fields = from_branch();
    fields.source = "2001:db8:1::9";
    Frame frame = udp6(fields);
    EXPECT_EQ(gateway.transmitted(frame, kStart).egress, kInside);
}

// decisions.md W6; wireguard.md 17 #43.
TEST_F(Ipv6Forward, DatagramsOfTunnelsAreRoutedUnderneath) {
    generation->interfaces.storage[2].is_tunnel = true;
    const std::vector<ipv6::RouteEntry> routes{
        {prefix6("2001:db8:2::/64"), {route::RouteKind::connected, kOutside, {}}},
        {prefix6("2001:db8:99::/48"),
         {route::RouteKind::via, kOutside, address6("2001:db8:2::2")}}};
    generation->ipv6_underlay = *ipv6::RouteTable::build(routes);
    std::unique_ptr<Batch> batch = std::make_unique<Batch>();
    std::array<Frame, 5> frames{udp6({.source = "2001:db8:2::1", .destination = "2001:db8:2::2"}),
                                udp6({.source = "::", .destination = "2001:db8:99::1"}),
                                udp6({.source = "2001:db8:55::5", .destination = "2001:db8:2::2"}),
                                udp6({.source = "2001:db8:2::1", .destination = "2001:db8:30::2"}),
                                udp6({.source = "2001:db8:2::1", .destination = "2001:db8:77::2"})};
    for (Frame& frame : frames) {
        frame.packet.is_originated = true;
        ASSERT_TRUE(batch->admit(frame.packet, Lane::forward6));
    }
    gateway.pipeline.run(*batch, kStart);
    ASSERT_EQ(batch->lane(Lane::transmit).size(), 3U);
    for (std::size_t position = 0; position < 3; ++position) {
        EXPECT_EQ((*batch)[static_cast<PacketIndex>(position)].egress, kOutside);
        const auto& ip = ip6(frames[position]);
        EXPECT_EQ(ip.hop_limit, 64);
        EXPECT_EQ(ip.source, address6("2001:db8:2::1"));
        EXPECT_TRUE(checksum_is_valid(
            frames[position].transport(),
            pseudo_header_sum(ip.source, ip.destination, 17, ip.payload_length_bytes.host())));
    }
    EXPECT_EQ((*batch)[3].verdict, DropReason::seal_endpoint_in_tunnel);
    EXPECT_EQ((*batch)[4].verdict, DropReason::seal_no_route);
    // Nobody is to be known by an address that the way does not have.
    generation->interfaces.storage[1].ipv6_address_count = 0;
    Frame nameless = udp6({.source = "::", .destination = "2001:db8:99::1"});
    nameless.packet.is_originated = true;
    batch->clear();
    ASSERT_TRUE(batch->admit(nameless.packet, Lane::forward6));
    gateway.pipeline.run(*batch, kStart);
    EXPECT_EQ((*batch)[0].verdict, DropReason::seal_no_route);
}

TEST_F(Ipv6Forward, HostAndEchoEnterTunnelsAsTheyAre) {
    generation->interfaces.storage[2].is_tunnel = true;
    Frame from_host = udp6({.source = "2001:db8:3::1", .ingress = kBranch});
    from_host.packet.from_host = true;
    Ipv6Fields fields = from_branch();
    fields.destination = "2001:db8:3::1";
    Frame request = icmp6(fields, Icmpv6Type::echo_request);
    std::unique_ptr<Batch> batch = std::make_unique<Batch>();
    for (Frame* frame : {&from_host, &request}) {
        ASSERT_TRUE(batch->admit(frame->packet, Lane::parse6));
    }
    ipv6::ParseState parse{&generation->interfaces};
    ipv6::ForwardState forward;
    forward.view = {&generation->interfaces, &generation->ipv6_routes, &generation->ipv6_underlay,
                    &generation->local};
    ipv6::LinkState link;
    link.view = forward.view;
    link.neighbors = &gateway.ipv6_neighbors;
    ipv6::parse_stage(parse, *batch, kStart);
    ipv6::forward_stage(forward, *batch, kStart);
    ipv6::link_stage(link, *batch, kStart);
    ASSERT_EQ(batch->lane(Lane::seal).size(), 2U);
    EXPECT_EQ(ip6(from_host).hop_limit, 64);
    EXPECT_EQ(ip6(request).hop_limit, 64);
    EXPECT_EQ(request.packet.header<Icmpv6Header>(54).type, 129);
}

TEST_F(Ipv6Forward, OtherWorkersHandOffWhatOnlyTheFirstMayDo) {
    PipelineCounters counters;
    ipv6::Ipv6 second{1, gateway.ipv6_neighbors, counters, 1};
    second.adopt({&generation->interfaces, &generation->ipv6_routes, &generation->ipv6_underlay,
                  &generation->local},
                 nullptr);
    std::unique_ptr<Batch> batch = std::make_unique<Batch>();
    Frame unknown = udp6({.destination = "2001:db8:3::77"});
    Frame question = neighbor6();
    ASSERT_TRUE(batch->admit(unknown.packet, Lane::parse6));
    ASSERT_TRUE(batch->admit(question.packet, Lane::parse6));
    ipv6::parse_stage(second.parse, *batch, kStart);
    ipv6::neighbor_stage(second.discovery, *batch, kStart);
    ipv6::forward_stage(second.forward, *batch, kStart);
    ipv6::link_stage(second.link, *batch, kStart);
    ASSERT_EQ(batch->lane(Lane::hand_off).size(), 2U);
    EXPECT_EQ((*batch)[0].resume, Lane::link6);
    EXPECT_EQ((*batch)[1].resume, Lane::neighbor6);
    EXPECT_EQ((*batch)[0].target_worker, 0);
}

TEST(Ipv6NextHop, FitsIntoAPacket) {
    Packet packet;
    const Ipv6Address address = address6("2001:db8:1234:5678:9abc:def0:1357:2468");
    set_ipv6_next_hop(packet, address);
    EXPECT_EQ(ipv6_next_hop(packet), address);
}

}  // namespace
}  // namespace towpath
