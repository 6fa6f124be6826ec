// SPDX-License-Identifier: BSD-3-Clause
// What arrives for the port of a tunnel on an IPv6 address of ours.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "tests/builders/ipv6_gateway.h"

namespace towpath {
namespace {

using namespace builders;

constexpr Now kStart{std::chrono::seconds{100}};
constexpr std::uint16_t kPort = 51820;

class Ipv6TunnelPort : public testing::Test {
protected:
    Ipv6TunnelPort() {
        route::LocalSettings settings;
        settings.tunnel_ports = {Port{kPort}};
        generation_->local = route::LocalPolicy{settings, generation_->interfaces};
        parse_.interfaces = &generation_->interfaces;
        forward_.view = {&generation_->interfaces, &generation_->ipv6_routes,
                         &generation_->ipv6_underlay, &generation_->local};
    }
    static Ipv6Fields to_us(std::uint16_t port = kPort) {
        return {.source = "2001:db8:77::1",
                .destination = "2001:db8:2::1",
                .destination_port = port,
                .ingress = kOutside,
                .destination_mac = kOutsideMac};
    }
    // The same as a fragment, with this offset and flag.
    static Ipv6Fields in_fragments(Ipv6Fields fields, std::uint8_t offset_and_more) {
        fields.extensions = {0, 0, 0, offset_and_more, 0, 0, 0, 1};
        fields.first_extension = 44;
        return fields;
    }
    // The lane that it ends in, and the packet.
    Lane pass(Frame frame) {
        batch_->clear();
        EXPECT_TRUE(batch_->admit(frame.packet, Lane::parse6));
        ipv6::parse_stage(parse_, *batch_, kStart);
        ipv6::forward_stage(forward_, *batch_, kStart);
        for (const Lane lane : {Lane::open, Lane::reassemble, Lane::drop, Lane::punt}) {
            if (batch_->lane(lane).size() == 1) {
                return lane;
            }
        }
        return Lane::count;
    }
    [[nodiscard]] const Packet& packet() const { return (*batch_)[0]; }

    std::shared_ptr<pipeline::Generation> generation_ = make_ipv6_generation();
    ipv6::ParseState parse_;
    ipv6::ForwardState forward_;
    std::unique_ptr<Batch> batch_ = std::make_unique<Batch>();
};

TEST_F(Ipv6TunnelPort, DatagramsAreOpened) {
    EXPECT_EQ(pass(udp6(to_us())), Lane::open);
    EXPECT_EQ(packet().l4, 54);
    EXPECT_EQ(packet().destination_port.number(), kPort);
    EXPECT_NE(pass(udp6(to_us(kPort + 1))), Lane::open);
}

// decisions.md W8. A later fragment does not tell its port.
TEST_F(Ipv6TunnelPort, FragmentsArePutTogetherFirst) {
    EXPECT_EQ(pass(udp6(in_fragments(to_us(), 1))), Lane::reassemble);
    EXPECT_EQ(packet().fragment, FragmentKind::first);
    EXPECT_EQ(pass(udp6(in_fragments(to_us(), 8))), Lane::reassemble);
    EXPECT_EQ(packet().fragment, FragmentKind::later);
    EXPECT_EQ(pass(udp6(in_fragments(to_us(kPort + 1), 1))), Lane::drop);
    EXPECT_EQ(packet().verdict, DropReason::ipv6_local_fragment);
}

TEST_F(Ipv6TunnelPort, FragmentsWithOtherHeadersAreNot) {
    Ipv6Fields fields = to_us();
    fields.extensions = {44, 0, 1, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1};
    fields.first_extension = 60;
    fields.last_extension_at = 8;
    EXPECT_EQ(pass(udp6(fields)), Lane::drop);
    EXPECT_EQ(packet().verdict, DropReason::ipv6_local_fragment);
    EXPECT_EQ(pass(packet6(in_fragments(to_us(), 8), 6, 24)), Lane::drop);
    EXPECT_EQ(packet().verdict, DropReason::ipv6_local_fragment);
}

// What routers say about what left a tunnel's port is the tunnel's to judge; the rest is not.
TEST_F(Ipv6TunnelPort, PacketTooBigGoesToTheTunnelThatItIsAbout) {
    const auto lane_of = [this](Icmpv6Type type, std::uint16_t quoted_port) {
        Frame about = udp6({.source = "2001:db8:2::1",
                            .destination = "2001:db8:77::1",
                            .source_port = quoted_port,
                            .payload_bytes = 64});
        Ipv6Fields fields = to_us();
        fields.payload_bytes = 64;
        Frame error = icmp6(fields, type);
        const auto quote = about.bytes().subspan(14, 64);
        std::copy(quote.begin(), quote.end(), error.transport().begin() + 8);
        seal_transport6(error, 58, error.packet.header<Icmpv6Header>(54).checksum);
        return pass(std::move(error));
    };
    EXPECT_EQ(lane_of(Icmpv6Type::packet_too_big, kPort), Lane::open);
    EXPECT_NE(lane_of(Icmpv6Type::packet_too_big, kPort + 1), Lane::open);
    EXPECT_NE(lane_of(Icmpv6Type::time_exceeded, kPort), Lane::open);
}

}  // namespace
}  // namespace towpath
