// SPDX-License-Identifier: BSD-3-Clause
// What IPv6 packets are refused for by their bytes alone, through the whole pipeline.
#include <gtest/gtest.h>

#include <vector>

#include "dataplane/ipv6/extension_headers.h"
#include "tests/builders/ipv6_gateway.h"

namespace towpath {
namespace {

using namespace builders;

class Ipv6Parse : public testing::Test {
protected:
    void expect_dropped(Frame& frame, DropReason reason) {
        EXPECT_EQ(gateway.run(frame).verdict, reason)
            << describe(gateway.batch()[0].verdict).name << " instead of " << describe(reason).name;
        EXPECT_EQ(gateway.batch().lane(Lane::drop).size(), 1U);
    }
    void expect_dropped(Frame&& frame, DropReason reason) { expect_dropped(frame, reason); }
    // Known neighbours, so that what is not refused leaves.
    Ipv6Parse() {
        gateway.ipv6_neighbors.confirm({kBranch, address6("2001:db8:3::2")}, kPeerMac, 1);
    }
    std::shared_ptr<pipeline::Generation> generation = make_ipv6_generation();
    Gateway gateway{GatewayOptions{}.capacity, generation};
};

std::vector<std::uint8_t> destination_options(std::size_t headers) {
    std::vector<std::uint8_t> bytes(8 * headers, 0);
    for (std::size_t header = 0; header < headers; ++header) {
        bytes[8 * header] = 60;
        bytes[8 * header + 2] = 1;  // PadN of four
        bytes[8 * header + 3] = 4;
    }
    return bytes;
}

TEST_F(Ipv6Parse, HeaderMustBeWholeAndOfItsVersion) {
    Frame truncated = udp6();
    truncated.packet.length = 14 + 39;
    expect_dropped(truncated, DropReason::frame_truncated);
    Frame version = udp6();
    ip6(version).version_class_flow = be32{4U << 28U};
    expect_dropped(version, DropReason::ipv6_bad_version);
    Frame beyond = udp6();
    ip6(beyond).payload_length_bytes = be16{std::uint16_t{25}};
    expect_dropped(beyond, DropReason::ipv6_bad_payload_length);
    Frame jumbo = udp6();
    ip6(jumbo).payload_length_bytes = be16{};
    expect_dropped(jumbo, DropReason::ipv6_bad_payload_length);
}

TEST_F(Ipv6Parse, InterfaceWithoutIpv6TakesNone) {
    generation->interfaces.storage[0].has_ipv6 = false;
    expect_dropped(udp6(), DropReason::ipv6_not_enabled);
}

TEST_F(Ipv6Parse, LinkPaddingIsTrimmed) {
    Frame frame = udp6({.payload_bytes = 1});
    frame.packet.length = 70;
    EXPECT_EQ(gateway.transmitted(frame).length, 14 + 40 + 8 + 1);
}

TEST_F(Ipv6Parse, AddressesThatNoPacketMayCarryDrop) {
    for (const char* source : {"::1", "::", "ff02::5", "::ffff:192.0.2.1", "2001:db8:3::2"}) {
        expect_dropped(udp6({.source = source}), DropReason::ipv6_bad_source);
    }
    for (const char* destination : {"::1", "::", "::ffff:192.0.2.1"}) {
        expect_dropped(udp6({.destination = destination}), DropReason::ipv6_bad_destination);
    }
    expect_dropped(udp6({.destination_mac = group_mac(kAllNodes)}),
                   DropReason::frame_unicast_in_group);
}

TEST_F(Ipv6Parse, GroupsAreHeardForNeighbourDiscoveryOnly) {
    expect_dropped(udp6({.destination = "ff02::fb", .destination_mac = group_mac(kAllNodes)}),
                   DropReason::ipv6_multicast);
    constexpr auto kListenerReport = static_cast<Icmpv6Type>(143);
    expect_dropped(icmp6({.destination = "ff02::16", .destination_mac = group_mac(kAllNodes)},
                         kListenerReport),
                   DropReason::ipv6_multicast);
}

TEST_F(Ipv6Parse, TransportHeadersAreChecked) {
    Frame udp = udp6();
    udp.udp().length_bytes = be16{std::uint16_t{7}};
    expect_dropped(udp, DropReason::udp_bad_length);
    expect_dropped(tcp6({}, kTcpSyn | kTcpFin), DropReason::tcp_bad_flags);
    expect_dropped(packet6({}, 6, 19), DropReason::tcp_truncated);
    expect_dropped(packet6({}, 58, 7), DropReason::icmp_truncated);
    Frame icmp = icmp6({}, Icmpv6Type::echo_request);
    icmp.transport()[9] ^= std::byte{1};
    expect_dropped(icmp, DropReason::icmp_bad_checksum);
    expect_dropped(icmp6({}, static_cast<Icmpv6Type>(200)), DropReason::icmp_type_unsupported);
}

TEST_F(Ipv6Parse, ExtensionHeadersAreFollowedWithinBounds) {
    Frame options =
        udp6({.extensions = destination_options(2), .first_extension = 60, .last_extension_at = 8});
    const Packet packet = gateway.transmitted(options);
    EXPECT_EQ(packet.l4, 14 + 40 + 16);
    EXPECT_EQ(packet.destination_port.number(), 443);
    expect_dropped(
        udp6(
            {.extensions = destination_options(9), .first_extension = 60, .last_extension_at = 64}),
        DropReason::ipv6_extension_too_long);
    std::vector<std::uint8_t> wide(256, 0);
    wide[1] = 31;
    expect_dropped(packet6({.extensions = wide, .first_extension = 60}, 17, 8),
                   DropReason::ipv6_extension_too_long);
    std::vector<std::uint8_t> beyond{0, 9, 1, 4, 0, 0, 0, 0};
    expect_dropped(udp6({.extensions = beyond, .first_extension = 60}),
                   DropReason::ipv6_extension_malformed);
    std::vector<std::uint8_t> late = destination_options(2);
    late[0] = 0;  // hop-by-hop options behind others
    expect_dropped(udp6({.extensions = late, .first_extension = 60, .last_extension_at = 8}),
                   DropReason::ipv6_extension_malformed);
}

TEST_F(Ipv6Parse, AuthenticationHeaderCountsInWords) {
    std::vector<std::uint8_t> header(24, 0);
    header[1] = 4;  // (4 + 2) * 4
    Frame frame = udp6({.extensions = header, .first_extension = 51});
    EXPECT_EQ(gateway.transmitted(frame).l4, 14 + 40 + 24);
}

TEST_F(Ipv6Parse, SourceRoutesAreNotFollowed) {
    const std::vector<std::uint8_t> left{0, 2, 0, 1, 0, 0, 0, 0, 0x20, 1, 0x0D, 0xB8,
                                         0, 9, 0, 0, 0, 0, 0, 0, 0,    0, 0,    9};
    expect_dropped(udp6({.extensions = left, .first_extension = 43}),
                   DropReason::ipv6_routing_header);
    std::vector<std::uint8_t> done = left;
    done[3] = 0;
    Frame frame = udp6({.extensions = done, .first_extension = 43});
    EXPECT_EQ(gateway.transmitted(frame).egress, kBranch);
}

std::vector<std::uint8_t> fragment_header(std::uint16_t offset_and_more) {
    return {0,
            0,
            static_cast<std::uint8_t>(offset_and_more >> 8U),
            static_cast<std::uint8_t>(offset_and_more),
            0,
            0,
            0,
            7};
}

TEST_F(Ipv6Parse, FragmentsInTransitGoOnAsTheyAre) {
    Frame first = udp6({.extensions = fragment_header(1), .first_extension = 44});
    EXPECT_EQ(gateway.transmitted(first).fragment, FragmentKind::first);
    Frame later = packet6({.extensions = fragment_header(1480), .first_extension = 44}, 17, 9);
    EXPECT_EQ(gateway.transmitted(later).fragment, FragmentKind::later);
    Frame alone = udp6({.extensions = fragment_header(0), .first_extension = 44});
    EXPECT_EQ(gateway.transmitted(alone).fragment, FragmentKind::whole);
}

TEST_F(Ipv6Parse, FragmentsThatCannotBePartsDrop) {
    expect_dropped(packet6({.extensions = fragment_header(1), .first_extension = 44}, 17, 12),
                   DropReason::fragment_bad_length);
    expect_dropped(packet6({.extensions = fragment_header(1480), .first_extension = 44}, 17, 0),
                   DropReason::fragment_empty);
    expect_dropped(packet6({.extensions = fragment_header(0xFFF8), .first_extension = 44}, 17, 9),
                   DropReason::fragment_overflow);
    // A first fragment holds all headers (RFC 7112).
    expect_dropped(packet6({.extensions = fragment_header(1), .first_extension = 44}, 6, 8),
                   DropReason::fragment_too_short);
    expect_dropped(packet6({.extensions = fragment_header(1), .first_extension = 44}, 58, 0),
                   DropReason::fragment_empty);
    std::vector<std::uint8_t> cut = fragment_header(1);
    cut.resize(16, 0);
    cut[0] = 60;
    cut[9] = 9;  // longer than the fragment
    expect_dropped(
        packet6({.extensions = cut, .first_extension = 44, .last_extension_at = 8}, 17, 8),
        DropReason::fragment_too_short);
    std::vector<std::uint8_t> broken = fragment_header(1);
    expect_dropped(
        packet6({.extensions = {broken.begin(), broken.begin() + 4}, .first_extension = 44}, 17, 0),
        DropReason::ipv6_extension_malformed);
}

}  // namespace
}  // namespace towpath
