// SPDX-License-Identifier: BSD-3-Clause
// Datagrams of tunnels that are too long for a link or the way behind it (decisions.md W8).
#include "dataplane/ipv6/ipv6_fragmentation.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <set>
#include <vector>

#include "dataplane/ipv6/link_stage.h"
#include "dataplane/packet/ipv6_next_hop.h"
#include "tests/builders/ipv6_gateway.h"

namespace towpath {
namespace {

using namespace builders;

constexpr Now kNow{std::chrono::seconds{100}};

class Ipv6Fragmentation : public testing::Test {
protected:
    Ipv6Fragmentation() {
        for (std::size_t spare = 0; spare < kSparesMax; ++spare) {
            spares_.emplace_back(std::size_t{0}, 2304);
            batch_->add_spare(spares_.back().packet);
        }
        neighbors_.confirm({kOutside, address6("2001:db8:2::2")}, kPeerMac, 1);
        link_.view = {&generation_->interfaces, &generation_->ipv6_routes,
                      &generation_->ipv6_underlay, &generation_->local};
        link_.neighbors = &neighbors_;
    }
    // A datagram of a tunnel, behind the underlay.
    static Frame datagram(std::size_t length_bytes, std::uint16_t path_mtu_bytes = 0) {
        Frame frame = udp6({.source = "2001:db8:2::1",
                            .destination = "2001:db8:2::2",
                            .payload_bytes = length_bytes - 48});
        frame.packet.transport = TransportKind::udp;
        frame.packet.is_originated = true;
        frame.packet.egress = kOutside;
        frame.packet.icmp_mtu_bytes = path_mtu_bytes;
        set_ipv6_next_hop(frame.packet, address6("2001:db8:2::2"));
        return frame;
    }
    void link(Frame& frame) {
        batch_->clear();
        ASSERT_TRUE(batch_->admit(frame.packet, Lane::link6));
        ipv6::link_stage(link_, *batch_, kNow);
    }
    // The lengths of what left; together they are `whole`, in order, under one identification.
    std::vector<std::size_t> pieces_of(Frame& whole) {
        std::vector<std::size_t> lengths;
        std::vector<std::byte> together;
        std::set<std::uint32_t> identifications;
        const PacketList& sent = batch_->lane(Lane::transmit);
        for (const PacketIndex index : sent) {
            const Packet& packet = (*batch_)[index];
            const auto& ip = packet.header<Ipv6Header>(14);
            const auto& fragment = packet.header<Ipv6FragmentHeader>(54);
            EXPECT_EQ(ip.next_header, 44);
            EXPECT_EQ(ip.payload_length_bytes.host(), packet.length - 54);
            EXPECT_EQ(fragment.next_header, 17);
            EXPECT_EQ(fragment.offset_bytes(), together.size());
            EXPECT_EQ(fragment.more_fragments(), index != sent[sent.size() - 1]);
            EXPECT_EQ(packet.header<EthernetHeader>(0).destination, kPeerMac);
            EXPECT_EQ(packet.egress, kOutside);
            identifications.insert(fragment.identification.host());
            const auto text = packet.bytes().subspan(62);
            together.insert(together.end(), text.begin(), text.end());
            lengths.push_back(packet.length - 14U);
        }
        const std::vector<std::byte> expected{whole.transport().begin(), whole.transport().end()};
        EXPECT_EQ(together, expected);
        EXPECT_EQ(identifications.size(), 1U);
        return lengths;
    }
    // Where the one packet ended.
    [[nodiscard]] DropReason verdict() const {
        EXPECT_EQ(batch_->lane(Lane::drop).size(), 1U);
        return (*batch_)[0].verdict;
    }

    std::shared_ptr<pipeline::Generation> generation_ = make_ipv6_generation();
    ipv6::NeighborTable neighbors_;
    ipv6::LinkState link_;
    std::unique_ptr<Batch> batch_ = std::make_unique<Batch>();
    std::vector<Frame> spares_;
};

TEST_F(Ipv6Fragmentation, WhatTheLinkDoesNotCarryIsCut) {
    Frame whole = datagram(1500);
    link(whole);
    EXPECT_EQ(batch_->lane(Lane::transmit).size(), 1U);
    EXPECT_EQ((*batch_)[0].header<Ipv6Header>(14).next_header, 17) << "it fits";
    Frame longer = datagram(1501);
    Frame copy = datagram(1501);
    link(longer);
    EXPECT_EQ(pieces_of(copy), (std::vector<std::size_t>{1496, 61}));
}

TEST_F(Ipv6Fragmentation, WhatTheWayDoesNotCarryIsCut) {
    Frame whole = datagram(1360, 1280);
    Frame copy = datagram(1360);
    link(whole);
    EXPECT_EQ(pieces_of(copy), (std::vector<std::size_t>{1280, 136}));
    Frame fits = datagram(1280, 1280);
    link(fits);
    EXPECT_EQ(batch_->lane(Lane::transmit).size(), 1U);
}

TEST_F(Ipv6Fragmentation, NothingElseIsCut) {
    Frame forwarded = datagram(1501);
    forwarded.packet.is_originated = false;
    link(forwarded);
    EXPECT_EQ(verdict(), DropReason::route_too_big);
    generation_->interfaces.storage[1].mtu_bytes = 1279;  // no link for IPv6 (RFC 8200 section 5)
    Frame narrow = datagram(1300);
    link(narrow);
    EXPECT_EQ(verdict(), DropReason::route_too_big);
}

TEST_F(Ipv6Fragmentation, WithoutSparesOrRoomItIsDroppedWhole) {
    batch_->clear_spares();
    Frame whole = datagram(1501);
    link(whole);
    EXPECT_EQ(verdict(), DropReason::no_buffer);
    EXPECT_TRUE(batch_->lane(Lane::transmit).empty());
    batch_->add_spare(spares_[0].packet);
    Frame cramped = datagram(1501);
    std::memmove(cramped.packet.buffer + 7, cramped.packet.data(), cramped.packet.length);
    cramped.packet.head = 7;
    link(cramped);
    EXPECT_EQ(verdict(), DropReason::seal_no_room);
}

TEST(FragmentIdentifications, AreNotRepeatedAndNotInOrder) {
    ipv6::FragmentIdentifications one{0x1234567890ABCDEF};
    ipv6::FragmentIdentifications other{0x1234567990ABCDEF};
    std::set<std::uint32_t> seen;
    std::size_t rises = 0;
    std::uint32_t last = 0;
    for (int number = 0; number < 10'000; ++number) {
        const std::uint32_t value = one.next();
        rises += value == last + 1 ? 1U : 0U;
        last = value;
        EXPECT_TRUE(seen.insert(value).second);
    }
    EXPECT_LT(rises, 10U);
    EXPECT_NE(ipv6::FragmentIdentifications{0x1234567890ABCDEF}.next(), other.next());
}

}  // namespace
}  // namespace towpath
