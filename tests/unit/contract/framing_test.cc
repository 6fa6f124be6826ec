// SPDX-License-Identifier: BSD-3-Clause
// The contract's framing: values that a field cannot have are refused.
#include "dataplane/contract/framing.h"

#include <gtest/gtest.h>

#include <cstring>
#include <span>

namespace towpath::contract {
namespace {

template <class M>
bool accepts(const M& message) {
    MessageBuffer buffer;
    std::memcpy(buffer.bytes.data(), &message, sizeof(message));
    const auto bytes = std::span{buffer.bytes}.first(sizeof(message));
    if constexpr (static_cast<int>(M::kType) < 100) {
        return decode_downward(bytes).has_value();
    } else {
        return decode_upward(bytes).has_value();
    }
}

TEST(Framing, ReasonsAreAsManyAsAReplyHasCountersFor) {
    ReasonsReply reasons;
    reasons.part = {1, 0, 1};
    reasons.rows[0].name.set("last_of_all");
    reasons.rows[0].help.set("The one with the greatest number.");
    reasons.rows[0].index = kReasonsMax - 1;
    EXPECT_TRUE(accepts(reasons));
    reasons.rows[0].index = kReasonsMax;
    EXPECT_FALSE(accepts(reasons));
}

TEST(Framing, CountsAreRefusedOnePastTheirArray) {
    Start start;
    start.settings.port_count = kPortsMax;
    EXPECT_TRUE(accepts(start));
    start.settings.port_count = kPortsMax + 1;
    EXPECT_FALSE(accepts(start));

    InterfaceSet interface;
    interface.address_count = kInterfaceAddressesMax;
    EXPECT_TRUE(accepts(interface));
    interface.address_count = kInterfaceAddressesMax + 1;
    EXPECT_FALSE(accepts(interface));

    NatSet nat;
    nat.reserved_range_count = kReservedRangesMax;
    EXPECT_TRUE(accepts(nat));
    nat.reserved_range_count = kReservedRangesMax + 1;
    EXPECT_FALSE(accepts(nat));

    NatListReply page;
    page.count = kMappingsPerReply;
    EXPECT_TRUE(accepts(page));
    page.count = kMappingsPerReply + 1;
    EXPECT_FALSE(accepts(page));

    NeighborsReply neighbors;
    neighbors.part = {kNeighborsPerReply, 0, kNeighborsPerReply, 0};
    for (NeighborRow& row : neighbors.rows) {
        row.address = IpAddressField::of(Ipv4Address{0x0A4D0101});
    }
    EXPECT_TRUE(accepts(neighbors));
    neighbors.part.count = kNeighborsPerReply + 1;
    EXPECT_FALSE(accepts(neighbors));

    NatLookupReply lookup;
    lookup.remote_count = kRemotesPerReply;
    EXPECT_TRUE(accepts(lookup));
    lookup.remotes[kRemotesPerReply - 1].state = RemoteState::count;
    EXPECT_FALSE(accepts(lookup));
    lookup.remotes = {};
    lookup.remote_count = kRemotesPerReply + 1;
    EXPECT_FALSE(accepts(lookup));

    EventBatch batch;
    batch.count = kEventsPerBatch;
    EXPECT_TRUE(accepts(batch));
    batch.count = kEventsPerBatch + 1;
    EXPECT_FALSE(accepts(batch));

    Start traffic;
    traffic.settings.port_count = 1;
    traffic.settings.ports[0].kernel_traffic_count = kKernelTrafficMax;
    EXPECT_TRUE(accepts(traffic));
    traffic.settings.ports[0].kernel_traffic_count = kKernelTrafficMax + 1;
    EXPECT_FALSE(accepts(traffic));
}

TEST(Framing, Ipv6AddressesAndRoutesAreInRange) {
    InterfaceSet interface;
    interface.ipv6_address_count = kInterfaceIpv6AddressesMax;
    EXPECT_TRUE(accepts(interface));
    interface.ipv6_addresses[kInterfaceIpv6AddressesMax - 1].length = 129;
    EXPECT_FALSE(accepts(interface));
    interface = {};
    interface.ipv6_address_count = kInterfaceIpv6AddressesMax + 1;
    EXPECT_FALSE(accepts(interface));

    Ipv6RouteChunk chunk;
    chunk.part = {1, 0, 1, 0};
    chunk.entries[0].to = Ipv6PrefixField::of({kAllNodes, 128});
    EXPECT_TRUE(accepts(chunk));
    chunk.entries[0].to.length = 64;  // host bits are set
    EXPECT_FALSE(accepts(chunk));
    chunk.entries[0].to = {};
    chunk.entries[0].kind = RouteKind::count;
    EXPECT_FALSE(accepts(chunk));
    chunk = {};
    chunk.part = {kRoutesMax, 0, kIpv6RoutesPerChunk + 1, 0};
    EXPECT_FALSE(accepts(chunk));
}

TEST(Framing, AdvertisedPrefixesAreCanonicalAndOfAnInterface) {
    AdvertiseChunk chunk;
    chunk.part = {1, 0, 1, 0};
    EXPECT_FALSE(accepts(chunk));  // of no family
    chunk.entries[0].prefix = IpPrefixField::of(*parse_ip_prefix("2001:db8::/32"));
    EXPECT_TRUE(accepts(chunk));
    chunk.entries[0].prefix.length = 16;  // bits are set beyond it
    EXPECT_FALSE(accepts(chunk));
    chunk.entries[0].prefix.length = 32;
    chunk.entries[0].tunnel = kPortsMax;
    EXPECT_FALSE(accepts(chunk));
    chunk.entries[0].tunnel = kPortsMax - 1;
    chunk.entries[0].use = AdvertisedUse::translation_exception;
    EXPECT_TRUE(accepts(chunk));
    chunk.entries[0].use = AdvertisedUse::count;
    EXPECT_FALSE(accepts(chunk));
    chunk.entries[0].use = AdvertisedUse::reached;
    chunk.part = {kAdvertisedMax + 1, 0, 1, 0};
    EXPECT_FALSE(accepts(chunk));
    TunnelSet set;
    set.is_exit_node = 1;
    EXPECT_TRUE(accepts(set));
    set.is_exit_node = 2;
    EXPECT_FALSE(accepts(set));
    set.is_exit_node = 0;
    set.is_limited = 2;
    EXPECT_FALSE(accepts(set));
    set.is_limited = 0;
    set.is_translated = 2;
    EXPECT_FALSE(accepts(set));
    set.is_translated = 1;
    EXPECT_TRUE(accepts(set));
    set.is_stateful = 2;
    EXPECT_FALSE(accepts(set));
}

TEST(Framing, ListPartsLieInsideTheirList) {
    RouteChunk chunk;
    chunk.part = {kRoutesMax, kRoutesMax - kRoutesPerChunk, kRoutesPerChunk, 0};
    EXPECT_TRUE(accepts(chunk));
    chunk.part.offset += 1;
    EXPECT_FALSE(accepts(chunk));
    chunk.part = {kRoutesMax + 1, 0, 1, 0};
    EXPECT_FALSE(accepts(chunk));
    chunk.part = {kRoutesMax, 0, kRoutesPerChunk + 1, 0};
    EXPECT_FALSE(accepts(chunk));
    chunk.part = {4, 0, 0, 0};  // an empty part of a list that is not empty leads nowhere
    EXPECT_FALSE(accepts(chunk));
    chunk.part = {1, 0xFFFFFFFF, 2, 0};
    EXPECT_FALSE(accepts(chunk));
}

TEST(Framing, EnumeratorsFlagsAndPrefixesOutsideTheirRangeAreRefused) {
    InterfaceSet interface;
    interface.role = Role::count;
    EXPECT_FALSE(accepts(interface));

    EventBatch events;
    events.count = 1;
    events.rows[0].is_tracked = 1;
    EXPECT_TRUE(accepts(events));
    events.rows[0].is_tracked = 2;
    EXPECT_FALSE(accepts(events));

    NeighborsReply neighbors;
    neighbors.part = {1, 0, 1, 0};
    EXPECT_FALSE(accepts(neighbors)) << "an address of no family";
    neighbors.rows[0].address = IpAddressField::of(Ipv4Address{0x0A4D0101});
    EXPECT_TRUE(accepts(neighbors));
    neighbors.rows[0].interface = kPortsMax;
    EXPECT_FALSE(accepts(neighbors));
    neighbors.rows[0].interface = kPortsMax - 1;
    neighbors.rows[0].state = contract::NeighborState::count;
    EXPECT_FALSE(accepts(neighbors));

    NatSet nat;
    nat.tcp_filtering = Filtering::count;
    EXPECT_FALSE(accepts(nat));
    nat = {};
    nat.hairpin = 2;
    EXPECT_FALSE(accepts(nat));
    nat = {};
    nat.reject_syns = 2;
    EXPECT_FALSE(accepts(nat));
    nat = {};
    nat.exhaustion_icmp = ExhaustionIcmp::silent;
    EXPECT_TRUE(accepts(nat));
    nat.exhaustion_icmp = ExhaustionIcmp::count;
    EXPECT_FALSE(accepts(nat));
    nat = {};
    nat.ports = {2000, 1999};
    EXPECT_FALSE(accepts(nat));

    SourceChunk sources;
    sources.part = {1, 0, 1, 0};
    sources.entries[0] = {Ipv4Address{0x0A4D0100}, 24, {}};
    EXPECT_TRUE(accepts(sources));
    sources.entries[0] = {Ipv4Address{0x0A4D0101}, 24, {}};  // a host bit
    EXPECT_FALSE(accepts(sources));
    sources.entries[0] = {Ipv4Address{0}, 33, {}};
    EXPECT_FALSE(accepts(sources));

    Commit commit;
    EXPECT_FALSE(accepts(commit));  // generation 0 means none
    commit.generation = 1;
    EXPECT_TRUE(accepts(commit));
}

TEST(Framing, TextsMustEndAndBePrintable) {
    HelloControl hello;
    hello.build.bytes.fill('a');  // no NUL
    EXPECT_FALSE(accepts(hello));
    hello.build.bytes.back() = '\0';
    EXPECT_TRUE(accepts(hello));
    hello.build.set("a\nb");
    EXPECT_FALSE(accepts(hello));
    hello.build.set("ab");
    hello.build.bytes[20] = 'x';  // behind the end
    EXPECT_FALSE(accepts(hello));
}

TEST(Framing, FieldsOfTunnelMessagesOutsideTheirRangeAreRefused) {
    Start start;
    start.settings.tunnel_count = kTunnelsMax;
    EXPECT_TRUE(accepts(start));
    start.settings.tunnel_count = kTunnelsMax + 1;
    EXPECT_FALSE(accepts(start));
    start.settings.tunnel_count = 1;
    start.settings.port_count = kPortsMax;  // together more than there are interface ids
    EXPECT_FALSE(accepts(start));

    PeerSet peer;
    peer.peer = kPeersMax - 1;
    EXPECT_TRUE(accepts(peer));
    peer.peer = kPeersMax;
    EXPECT_FALSE(accepts(peer));
    peer = {};
    peer.endpoint.address.bytes[0] = 1;  // an address of no family
    EXPECT_FALSE(accepts(peer));
    peer.endpoint.address.family = IpFamily::ipv4;
    EXPECT_TRUE(accepts(peer));
    peer.endpoint.address.bytes[4] = 1;  // behind the four bytes of IPv4
    EXPECT_FALSE(accepts(peer));
    peer.endpoint.address.family = IpFamily::ipv6;
    EXPECT_TRUE(accepts(peer));
    peer.endpoint.address.family = static_cast<IpFamily>(3);
    EXPECT_FALSE(accepts(peer));

    SessionInstall install;
    install.packet_length = kHandshakeBytesMax;
    EXPECT_TRUE(accepts(install));
    install.packet_length = kHandshakeBytesMax + 1;
    EXPECT_FALSE(accepts(install));
    install = {};
    install.worker = kSessionWorkersMax;
    EXPECT_FALSE(accepts(install));

    HandshakeSend handshake;
    EXPECT_FALSE(accepts(handshake));  // nothing to send
    handshake.length = 64;
    EXPECT_TRUE(accepts(handshake));

    SessionsEnd end;
    end.end = SessionEnd::count;
    EXPECT_FALSE(accepts(end));
    TunnelEvents events;
    events.count = kTunnelEventsPerBatch;
    EXPECT_TRUE(accepts(events));
    events.rows[1].kind = TunnelEventKind::count;
    EXPECT_FALSE(accepts(events));
    HandshakesReceived handshakes;
    handshakes.count = kHandshakesPerBatch + 1;
    EXPECT_FALSE(accepts(handshakes));
}

TEST(Framing, AllowedIpsMustBeCanonical) {
    PeerPrefixChunk chunk;
    chunk.part = {1, 0, 1, 0};
    chunk.entries[0] = IpPrefixField::of(*parse_ip_prefix("2001:db8::/33"));
    EXPECT_TRUE(accepts(chunk));
    EXPECT_EQ(chunk.entries[0].prefix(), *parse_ip_prefix("2001:db8::/33"));
    chunk.entries[0].address.bytes[4] = 0x01;  // a host bit
    EXPECT_FALSE(accepts(chunk));
    chunk.entries[0] = IpPrefixField::of(*parse_ip_prefix("10.0.0.0/8"));
    chunk.entries[0].length = 33;
    EXPECT_FALSE(accepts(chunk));
    chunk.entries[0] = {};  // of no family
    EXPECT_FALSE(accepts(chunk));
}

TEST(Text, CutsWhatDoesNotFit) {
    EXPECT_EQ(Text<4>::of("abcdef").view(), "abc");
    EXPECT_EQ(Text<4>::of("").view(), "");
}

}  // namespace
}  // namespace towpath::contract
