// SPDX-License-Identifier: BSD-3-Clause
// The path of a packet through all stages, as its two ends see it.
#include "dataplane/pipeline/pipeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/builders/gateway.h"

namespace towpath {
namespace {

using namespace builders;

Frame inbound_udp(std::string_view source, std::uint16_t source_port,
                  std::uint16_t destination_port) {
    return udp({.source = source,
                .source_port = source_port,
                .destination = "192.0.2.10",
                .destination_port = destination_port,
                .ingress = kOutside,
                .source_mac = kRouterMac,
                .destination_mac = kOutsideMac});
}

bool ipv4_and_udp_are_valid(const Packet& packet) {
    const auto bytes = packet.bytes();
    const auto& ip = packet.header<Ipv4Header>(14);
    const auto payload = bytes.subspan(14 + ip.header_length_bytes());
    return checksum_is_valid(bytes.subspan(14, ip.header_length_bytes())) &&
           checksum_is_valid(payload,
                             pseudo_header_sum(ip.source, ip.destination, ip.protocol,
                                               static_cast<std::uint16_t>(payload.size())));
}

// U-01: the mapping does not depend on the destination; the port is preserved.
TEST(Pipeline, TranslatesOneInsideEndpointAlikeForEveryRemote) {
    Gateway gateway;
    for (const char* remote : {"198.51.100.1", "198.51.100.2", "203.0.113.77"}) {
        Frame frame = udp({.source_port = 5000, .destination = remote, .destination_port = 3478});
        const Packet packet = gateway.transmitted(frame);
        EXPECT_EQ(packet.egress, kOutside);
        EXPECT_EQ(to_string(Ipv4Address{packet.header<Ipv4Header>(14).source}), "192.0.2.10");
        EXPECT_EQ(packet.header<UdpHeader>(34).source_port.host(), 5000);
        EXPECT_EQ(packet.header<Ipv4Header>(14).ttl, 63);
        EXPECT_EQ(packet.header<EthernetHeader>(0).destination, kRouterMac);
        EXPECT_EQ(packet.header<EthernetHeader>(0).source, kOutsideMac);
        EXPECT_TRUE(ipv4_and_udp_are_valid(packet));
    }
}

// U-08: with endpoint-independent filtering any remote may answer.
TEST(Pipeline, DeliversToTheMappingFromARemoteNeverContacted) {
    Gateway gateway;
    Frame out = udp({.source = "10.77.1.9", .source_port = 5000});
    (void)gateway.transmitted(out);
    Frame in = inbound_udp("203.0.113.200", 9999, 5000);
    const Packet packet = gateway.transmitted(in);
    EXPECT_EQ(packet.egress, kInside);
    EXPECT_EQ(to_string(Ipv4Address{packet.header<Ipv4Header>(14).destination}), "10.77.1.9");
    EXPECT_EQ(packet.header<UdpHeader>(34).destination_port.host(), 5000);
    EXPECT_TRUE(ipv4_and_udp_are_valid(packet));
}

TEST(Pipeline, DropsWhatNoMappingHolds) {
    Gateway gateway;
    Frame in = inbound_udp("203.0.113.200", 9999, 5000);
    EXPECT_EQ(gateway.run(in).verdict, DropReason::inbound_no_mapping);
    EXPECT_EQ(gateway.drops(DropReason::inbound_no_mapping), 1U);
}

// U-09, U-09a: hairpin with the external source.
TEST(Pipeline, HairpinsWithTheOutsideSource) {
    Gateway gateway;
    Frame receiver = udp({.source = "10.77.1.12", .source_port = 7000});
    (void)gateway.transmitted(receiver);
    Frame sender = udp({.source = "10.77.1.11",
                        .source_port = 6500,
                        .destination = "192.0.2.10",
                        .destination_port = 7000});
    const Packet packet = gateway.transmitted(sender);
    EXPECT_EQ(packet.egress, kInside);
    const auto& ip = packet.header<Ipv4Header>(14);
    EXPECT_EQ(to_string(Ipv4Address{ip.source}), "192.0.2.10");
    EXPECT_EQ(packet.header<UdpHeader>(34).source_port.host(), 6500);
    EXPECT_EQ(to_string(Ipv4Address{ip.destination}), "10.77.1.12");
    EXPECT_EQ(ip.ttl, 63);
    EXPECT_TRUE(ipv4_and_udp_are_valid(packet));
}

// N17: TTL is checked before any NAT; the error quotes the packet as its sender sent it.
TEST(Pipeline, TellsTheSenderWhenTheTtlRunsOut) {
    Gateway gateway;
    Frame frame = udp({.source_port = 5000, .ttl = 1});
    const std::vector<std::byte> sent(frame.bytes().begin() + 14, frame.bytes().begin() + 42);
    const Packet packet = gateway.transmitted(frame);
    EXPECT_EQ(packet.egress, kInside);
    EXPECT_EQ(to_string(Ipv4Address{packet.header<Ipv4Header>(14).source}), "10.77.1.1");
    EXPECT_EQ(packet.header<IcmpHeader>(34).type, 11);
    EXPECT_TRUE(std::equal(sent.begin(), sent.end(), packet.bytes().begin() + 42));
    EXPECT_EQ(gateway.drops(DropReason::ttl_expired), 1U);
    EXPECT_EQ(gateway.counters.originated.value(), 1U);
}

// N17: the quote of an error about an inbound packet shows the outside destination again.
TEST(Pipeline, QuotesAnInboundPacketAsItsSenderSentIt) {
    Gateway gateway;
    Frame out = udp({.source_port = 5000});
    (void)gateway.transmitted(out);
    gateway.pipeline.adopt(*[] {
        static auto small = make_generation({});
        small->interfaces.storage[0].mtu_bytes = 600;
        return small.get();
    }());
    Frame in = udp({.source = "203.0.113.200",
                    .source_port = 9999,
                    .destination = "192.0.2.10",
                    .destination_port = 5000,
                    .dont_fragment = true,
                    .payload_bytes = 1000,
                    .ingress = kOutside,
                    .source_mac = kRouterMac,
                    .destination_mac = kOutsideMac});
    const Packet packet = gateway.transmitted(in);
    EXPECT_EQ(packet.egress, kOutside);
    EXPECT_EQ(packet.header<IcmpHeader>(34).type, 3);
    EXPECT_EQ(packet.header<IcmpHeader>(34).code, 4);
    EXPECT_EQ(packet.header<IcmpHeader>(34).sequence.host(), 600);
    EXPECT_EQ(to_string(Ipv4Address{packet.header<Ipv4Header>(42).destination}), "192.0.2.10");
    EXPECT_EQ(packet.header<UdpHeader>(62).destination_port.host(), 5000);
    EXPECT_TRUE(checksum_is_valid(packet.bytes().subspan(42, 20)));
}

// 15.4, N17: the next hop outside never answers ARP. The inside sender hears so, with its packet as
// it sent it although NAT had rewritten it; while the next hop counts as failed, at once.
TEST(Pipeline, TellsTheInsideSenderOfATranslatedPacketThatItsNextHopIsGone) {
    for (const int protocol : {1, 6, 17}) {
        Gateway gateway;
        const auto packet_from = [protocol](std::uint16_t port) {
            const Fields fields{.source_port = port,
                                .destination = "192.0.2.77",
                                .identification = 77,
                                .tcp_flags = kTcpSyn};
            return protocol == 1 ? icmp_echo(fields) : protocol == 6 ? tcp(fields) : udp(fields);
        };
        // So that the port is not preserved either.
        Frame other = protocol == 1 ? icmp_echo({.source = "10.77.1.9", .source_port = 5000})
                      : protocol == 6
                          ? tcp({.source = "10.77.1.9", .source_port = 5000, .tcp_flags = kTcpSyn})
                          : udp({.source = "10.77.1.9", .source_port = 5000});
        (void)gateway.transmitted(other);
        Frame frame = packet_from(5000);
        const std::vector<std::byte> sent(frame.bytes().begin() + 14, frame.bytes().end());
        (void)gateway.run(frame);
        ASSERT_EQ(gateway.batch().lane(Lane::hold).size(), 1U);
        const auto error_in = [&](const Batch& batch) -> const Packet* {
            for (const PacketIndex index : batch.lane(Lane::transmit)) {
                if (batch[index].egress == kInside &&
                    batch[index].transport != TransportKind::unknown) {
                    return &batch[index];
                }
            }
            return nullptr;
        };
        const Packet* error = nullptr;
        for (int second = 11; second <= 13 && error == nullptr; ++second) {
            error = error_in(gateway.housekeeping(Now{std::chrono::seconds{second}}));
            EXPECT_EQ(error != nullptr, second == 13);
        }
        ASSERT_NE(error, nullptr);
        EXPECT_EQ(to_string(Ipv4Address{error->header<Ipv4Header>(14).source}), "10.77.1.1");
        EXPECT_EQ(to_string(Ipv4Address{error->header<Ipv4Header>(14).destination}), "10.77.1.2");
        EXPECT_EQ(error->header<IcmpHeader>(34).type, 3);
        EXPECT_EQ(error->header<IcmpHeader>(34).code, 1);
        const std::vector<std::byte> quoted(error->bytes().begin() + 42, error->bytes().end());
        EXPECT_EQ(quoted, sent) << protocol;
        EXPECT_EQ(gateway.drops(DropReason::neighbor_unreachable), 1U);

        Frame next = packet_from(5001);
        const Packet told = gateway.transmitted(next, Now{std::chrono::milliseconds{13500}});
        EXPECT_EQ(told.egress, kInside);
        EXPECT_EQ(told.header<IcmpHeader>(34).code, 1);
        EXPECT_EQ(gateway.drops(DropReason::neighbor_unreachable), 2U);
    }
}

// An outside sender does not hear of what is missing inside.
TEST(Pipeline, SaysNothingOutsideOfAnInsideHostThatIsGone) {
    Gateway gateway;
    Frame out = udp({.source = "10.77.1.9", .source_port = 5000});
    (void)gateway.transmitted(out);
    gateway.neighbors.remove({kInside, address("10.77.1.9")});
    Frame in = inbound_udp("203.0.113.200", 9999, 5000);
    (void)gateway.run(in);
    ASSERT_EQ(gateway.batch().lane(Lane::hold).size(), 1U);
    for (int second = 11; second <= 13; ++second) {
        (void)gateway.housekeeping(Now{std::chrono::seconds{second}});
    }
    EXPECT_EQ(gateway.batch().lane(Lane::drop).size(), 1U);
    EXPECT_EQ(gateway.drops(DropReason::neighbor_unreachable), 1U);
}

// U-14: every piece of a datagram crosses, whichever comes first.
TEST(Pipeline, CarriesFragmentsInAnyOrder) {
    Gateway gateway;
    Frame whole = udp({.source_port = 5000, .identification = 77, .payload_bytes = 3000});
    std::vector<Frame> pieces = fragments_of(whole, 1024);
    ASSERT_EQ(pieces.size(), 3U);
    Frame* const last_first[] = {&pieces[2], &pieces[1]};
    EXPECT_EQ(gateway.run(last_first).lane(Lane::hold).size(), 2U);
    Frame* const first[] = {&pieces[0]};
    Batch& batch = gateway.run(first);
    EXPECT_EQ(batch.lane(Lane::transmit).size(), 3U);
    std::set<std::uint16_t> identifications;
    for (const PacketIndex index : batch.lane(Lane::transmit)) {
        const auto& ip = batch[index].header<Ipv4Header>(14);
        EXPECT_EQ(to_string(Ipv4Address{ip.source}), "192.0.2.10");
        identifications.insert(ip.identification.host());
    }
    EXPECT_EQ(identifications.size(), 1U);
}

// 14.3, K-6864a: whole and fragmented datagrams to one remote draw from one source.
TEST(Pipeline, NeverGivesOneIdentificationToAWholeAndAFragmentedDatagram) {
    GatewayOptions options;
    options.capacity.fragment_contexts_per_worker = 4096;
    Gateway gateway{options};
    std::set<std::uint16_t> given;
    const auto note = [&](const Packet& packet) {
        return given.insert(packet.header<Ipv4Header>(14).identification.host()).second;
    };
    for (std::uint16_t round = 0; round < 2000; ++round) {
        Frame whole = udp({.source = "10.77.1.11", .source_port = 5000, .identification = 77});
        ASSERT_TRUE(note(gateway.transmitted(whole)));
        const std::string host = "10.77.1." + std::to_string(20 + round % 100);
        Frame long_one = udp(
            {.source = host, .source_port = 5000, .identification = round, .payload_bytes = 1600});
        std::vector<Frame> pieces = fragments_of(long_one, 1024);
        const Packet first = gateway.transmitted(pieces[0]);
        ASSERT_TRUE(note(first));
        const Packet second = gateway.transmitted(pieces[1]);
        ASSERT_EQ(second.header<Ipv4Header>(14).identification,
                  first.header<Ipv4Header>(14).identification);
    }
}

// T-04, T-04.2: nothing for 6 s, then one port unreachable that quotes the SYN; every buffer is
// accounted for.
TEST(Pipeline, RejectsAnUnsolicitedSynSixSecondsLater) {
    Gateway gateway{{.reject_syns = true}};
    (void)gateway.housekeeping(Now{std::chrono::seconds{5}});  // what start announces
    (void)gateway.housekeeping(Now{std::chrono::seconds{6}});
    (void)gateway.housekeeping(Now{std::chrono::seconds{7}});
    Frame syn = tcp({.source = "198.51.100.1",
                     .source_port = 443,
                     .destination = "192.0.2.10",
                     .destination_port = 5000,
                     .tcp_flags = kTcpSyn,
                     .ingress = kOutside,
                     .source_mac = kRouterMac,
                     .destination_mac = kOutsideMac});
    const std::vector<std::byte> sent(syn.bytes().begin() + 14, syn.bytes().end());
    Frame* const one[] = {&syn};
    EXPECT_EQ(gateway.run(one).lane(Lane::hold).size(), 1U);
    EXPECT_EQ(gateway.housekeeping(Now{std::chrono::milliseconds{15999}}).size(), 0U);
    Batch& batch = gateway.housekeeping(Now{std::chrono::seconds{16}});
    ASSERT_EQ(batch.lane(Lane::transmit).size(), 1U);
    const Packet& told = batch[0];
    EXPECT_EQ(told.egress, kOutside);
    EXPECT_EQ(to_string(Ipv4Address{told.header<Ipv4Header>(14).destination}), "198.51.100.1");
    EXPECT_EQ(told.header<IcmpHeader>(34).type, 3);
    EXPECT_EQ(told.header<IcmpHeader>(34).code, 3);
    EXPECT_TRUE(std::equal(sent.begin(), sent.end(), told.bytes().begin() + 42));
    EXPECT_EQ(gateway.housekeeping(Now{std::chrono::seconds{17}}).size(), 0U);
    const PipelineCounters& counters = gateway.counters;
    EXPECT_EQ(gateway.drops(DropReason::inbound_no_mapping), 1U);
    EXPECT_EQ(counters.held.value(), 1U);
    EXPECT_EQ(counters.released.value(), 1U);
    // At shutdown nothing stays behind.
    Frame another = tcp({.source = "198.51.100.1",
                         .destination = "192.0.2.10",
                         .tcp_flags = kTcpSyn,
                         .ingress = kOutside,
                         .source_mac = kRouterMac,
                         .destination_mac = kOutsideMac});
    (void)gateway.run(another, Now{std::chrono::seconds{18}});
    gateway.batch().clear();
    EXPECT_FALSE(gateway.pipeline.discard(gateway.batch()));
    EXPECT_EQ(gateway.batch().lane(Lane::drop).size(), 1U);
}

// U-13a: too big and may be fragmented.
TEST(Pipeline, FragmentsWhatExceedsTheOutgoingMtu) {
    Gateway gateway{{.outside_mtu_bytes = 600}};
    Frame frame = udp({.source_port = 5000, .payload_bytes = 1200});
    Frame* const one[] = {&frame};
    Batch& batch = gateway.run(one);
    ASSERT_EQ(batch.lane(Lane::transmit).size(), 3U);
    for (const PacketIndex index : batch.lane(Lane::transmit)) {
        EXPECT_LE(batch[index].length, 600 + 14);
    }
}

TEST(Pipeline, AnswersArpForItsAddresses) {
    Gateway gateway;
    Frame request = arp();
    const Packet packet = gateway.transmitted(request);
    EXPECT_EQ(packet.egress, kInside);
    EXPECT_EQ(packet.header<ArpHeader>(14).operation.host(), kArpReply);
    EXPECT_EQ(packet.header<ArpHeader>(14).sender_mac, kInsideMac);
}

// 15.5: the operator hears on which network somebody has an address of ours.
TEST(Pipeline, CountsAddressConflictsByInterface) {
    Gateway gateway;
    Frame claim = arp({.sender = "192.0.2.10", .target = "192.0.2.10", .ingress = kOutside});
    EXPECT_EQ(gateway.run(claim).verdict, DropReason::arp_conflict);
    EXPECT_EQ(gateway.counters.interfaces[1].address_conflicts.value(), 1U);
    EXPECT_EQ(gateway.counters.interfaces[0].address_conflicts.value(), 0U);
}

// 16.3: few senders are told, yet every packet counts under the reason for which it died.
TEST(Pipeline, CountsWhatItDoesNotTellUnderItsOwnReason) {
    Gateway gateway;
    constexpr std::uint16_t kFlows = 100;
    for (std::uint16_t flow = 0; flow < kFlows; ++flow) {
        Frame frame = udp({.source_port = static_cast<std::uint16_t>(3000 + flow), .ttl = 1});
        (void)gateway.run(frame);
    }
    Frame again = udp({.source_port = 3000, .ttl = 1});
    (void)gateway.run(again);
    const PipelineCounters& counters = gateway.counters;
    EXPECT_EQ(gateway.drops(DropReason::ttl_expired), kFlows + 1U);
    EXPECT_EQ(counters.dropped.value(), kFlows + 1U);
    EXPECT_EQ(counters.suppressed_errors.repeated.value(), 1U);
    EXPECT_GT(counters.suppressed_errors.over_rate.value(), 0U);
    EXPECT_EQ(counters.originated.value() + counters.suppressed_errors.over_rate.value(), kFlows);
}

// What came in has gone out, for a mix of everything, and every drop has a reason.
TEST(Pipeline, ConservesPacketsInItsCounters) {
    Gateway gateway;
    std::uint64_t admitted = 0;
    std::uint64_t transmitted = 0;
    for (std::uint16_t round = 0; round < 500; ++round) {
        std::vector<Frame> frames;
        frames.push_back(udp({.source_port = static_cast<std::uint16_t>(3000 + round % 50)}));
        frames.push_back(tcp({.source_port = round, .tcp_flags = kTcpSyn}));
        frames.push_back(tcp({.source_port = 900, .tcp_flags = kTcpAck}));
        frames.push_back(icmp_echo({.source_port = round}));
        frames.push_back(udp({.destination = "10.77.1.1"}));
        frames.push_back(udp({.destination = "203.0.113.9", .ttl = 1}));
        frames.push_back(inbound_udp("203.0.113.4", 4000, round));
        frames.push_back(udp({.source = "10.99.0.1"}));
        std::vector<Frame*> pointers;
        for (Frame& frame : frames) {
            pointers.push_back(&frame);
        }
        Batch& batch = gateway.run(pointers, Now{std::chrono::seconds{10 + round}});
        ASSERT_EQ(batch.lane(Lane::transmit).size() + batch.lane(Lane::drop).size(), batch.size());
        admitted += frames.size();
        transmitted += batch.lane(Lane::transmit).size();
    }
    const PipelineCounters& counters = gateway.counters;
    EXPECT_EQ(admitted + counters.originated.value(), transmitted + counters.dropped.value());
    std::uint64_t reported = 0;
    for (const Counter& reason : counters.drops) {
        reported += reason.value();
    }
    EXPECT_EQ(reported, counters.dropped.value());
    EXPECT_GT(reported, 500U);
}

}  // namespace
}  // namespace towpath
