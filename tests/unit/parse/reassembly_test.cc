// SPDX-License-Identifier: BSD-3-Clause
// Datagrams to a tunnel's port are put together (decisions.md W8): every order, both families,
// refusals, and each limit at it and one past it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <numeric>

#include "dataplane/parse/parse_stage.h"
#include "dataplane/parse/reassembly_stage.h"
#include "tests/builders/ipv6_packets.h"

namespace towpath::parse {
namespace {

using builders::Frame;

constexpr std::uint16_t kPort = 51820;
constexpr std::size_t kCapacity = 16384;

class Reassembly : public testing::Test {
protected:
    Reassembly() {
        interfaces_.count = 1;
        interfaces_.storage[0].id = InterfaceId{0};
        interfaces_.storage[0].mac = builders::kOurMac;
        interfaces_.storage[0].role = InterfaceRole::outside;
        use_limits({});
    }
    void use_limits(const ReassemblyLimits& limits) { state_.table = ReassemblyTable{limits, 99}; }

    static Frame datagram(std::size_t payload_bytes, std::uint16_t identification = 7,
                          std::uint8_t ecn = 0) {
        return builders::udp({.source = "192.0.2.77",
                              .source_port = 4000,
                              .destination = "192.0.2.10",
                              .destination_port = kPort,
                              .dscp_and_ecn = ecn,
                              .identification = identification,
                              .payload_bytes = payload_bytes});
    }
    static Frame datagram6(std::size_t payload_bytes) {
        return builders::udp6({.source = "2001:db8:2::77",
                               .destination = "2001:db8:2::1",
                               .source_port = 4000,
                               .destination_port = kPort,
                               .payload_bytes = payload_bytes});
    }
    // In a buffer of that size.
    static Frame fragment4(Frame& whole, std::size_t offset, std::size_t length,
                           std::size_t capacity_bytes = kCapacity) {
        Frame narrow = builders::fragment_of(whole, offset, length);
        Frame piece{narrow.packet.length, capacity_bytes};
        std::copy(narrow.bytes().begin(), narrow.bytes().end(), piece.bytes().begin());
        piece.packet.ingress = narrow.packet.ingress;
        return piece;
    }
    static Frame fragment6(Frame& whole, std::size_t offset, std::size_t length,
                           std::uint32_t identification = 7) {
        length = std::min(length, whole.transport().size() - offset);
        Frame piece{54 + 8 + length, kCapacity};
        std::memcpy(piece.bytes().data(), whole.bytes().data(), 54);
        piece.packet.l3 = 14;
        piece.packet.l4 = 62;
        builders::ip6(piece).next_header = static_cast<std::uint8_t>(NextHeader::fragment);
        builders::ip6(piece).payload_length_bytes = be16{static_cast<std::uint16_t>(8 + length)};
        const bool is_last = offset + length == whole.transport().size();
        piece.packet.header<Ipv6FragmentHeader>(54) = {
            17, 0, be16{static_cast<std::uint16_t>(offset | (is_last ? 0U : 1U))},
            be32{identification}};
        const auto text = whole.transport().subspan(offset, length);
        std::copy(text.begin(), text.end(), piece.transport().begin());
        piece.packet.ip_protocol = 17;
        piece.packet.fragment = offset == 0 ? FragmentKind::first : FragmentKind::later;
        if (offset == 0) {
            piece.packet.transport = TransportKind::udp;
            piece.packet.source_port = Port{std::uint16_t{4000}};
            piece.packet.destination_port = Port{kPort};
        }
        return piece;
    }

    // Through what comes before the stage, as classify would pass it on; a burst of its own.
    void pass(Frame frame) {
        frames_.push_back(std::move(frame));
        begin();
        State parse_state{&interfaces_};
        ASSERT_TRUE(batch_.admit(frames_.back().packet, Lane::parse));
        parse_stage(parse_state, batch_, now_);
        fragment_stage(fragments_, batch_, now_);
        for (const PacketIndex index : batch_.lane(Lane::classify)) {
            batch_.put(index, Lane::reassemble);
        }
        batch_.lane(Lane::classify).clear();
        finish();
    }
    void pass6(Frame frame) {
        frames_.push_back(std::move(frame));
        begin();
        ASSERT_TRUE(batch_.admit(frames_.back().packet, Lane::reassemble));
        finish();
    }
    void slice() {
        begin();
        finish();
    }
    void begin() {
        batch_.clear();
        fragment_slice(fragments_, batch_, now_, 16);
        reassembly_slice(state_, batch_, now_, 2048);
    }
    void finish() {
        reassembly_stage(state_, batch_, now_);
        for (const PacketIndex index : batch_.lane(Lane::open)) {
            whole_.push_back(batch_[index]);
        }
        for (const PacketIndex index : batch_.lane(Lane::drop)) {
            dropped_.push_back(batch_[index].verdict);
        }
        held_ += batch_.lane(Lane::hold).size();
        absorbed_ += batch_.lane(Lane::absorb).size();
        handed_off_ += batch_.lane(Lane::hand_off).size();
        batch_.lane(Lane::open).clear();
    }
    // One datagram came out, and it is `expected`.
    void expect_whole(Frame& expected) {
        ASSERT_EQ(whole_.size(), 1U);
        const Packet& packet = whole_[0];
        const auto text = packet.bytes().subspan(packet.l4);
        EXPECT_TRUE(std::equal(text.begin(), text.end(), expected.transport().begin(),
                               expected.transport().end()));
        EXPECT_EQ(packet.fragment, FragmentKind::whole);
        EXPECT_EQ(packet.transport, TransportKind::udp);
        EXPECT_EQ(packet.source_port.number(), 4000);
        EXPECT_EQ(packet.destination_port.number(), kPort);
        whole_.clear();
    }

    InterfaceTable interfaces_;
    IdentificationSource identification_{0, 1, 500};
    Counter released_;
    FragmentState fragments_{.table = FragmentTable{},
                             .identification = &identification_,
                             .interfaces = &interfaces_,
                             .released = &released_};
    ReassemblyState state_{
        .table = ReassemblyTable{}, .fragments = &fragments_, .released = &released_};
    Batch batch_;
    Now now_{std::chrono::seconds{1000}};
    std::deque<Frame> frames_;
    std::vector<Packet> whole_;
    std::vector<DropReason> dropped_;
    std::size_t held_ = 0;
    std::size_t absorbed_ = 0;
    std::size_t handed_off_ = 0;
};

TEST_F(Reassembly, EveryOrderOfFourPiecesOfIpv4) {
    std::array<std::size_t, 4> order{0, 1, 2, 3};
    std::uint16_t identification = 0;
    do {
        Frame whole = datagram(2000, ++identification);
        for (const std::size_t piece : order) {
            pass(fragment4(whole, piece * 512, 512));
        }
        expect_whole(whole);
    } while (std::next_permutation(order.begin(), order.end()));
    EXPECT_TRUE(dropped_.empty());
    EXPECT_EQ(held_, released_.value()) << "what was held came back";
    EXPECT_EQ(fragments_.table.context_count(), 0U) << "contexts end with their datagrams";
}

TEST_F(Reassembly, HeadersAreThoseOfOneDatagram) {
    Frame whole = datagram(1000, 7, 2);
    Frame marked = datagram(1000, 7, 3);
    pass(fragment4(whole, 0, 512));
    pass(fragment4(marked, 512, 512));
    ASSERT_EQ(whole_.size(), 1U);
    const Packet& packet = whole_[0];
    const auto& ip = packet.header<Ipv4Header>(packet.l3);
    EXPECT_EQ(ip.total_length_bytes.host(), 20 + 8 + 1000);
    EXPECT_EQ(ip.flags_and_offset.host(), 0);
    EXPECT_EQ(ip.dscp_and_ecn, 3) << "congestion that one fragment met (RFC 3168 section 5.3)";
    EXPECT_TRUE(checksum_is_valid(packet.bytes().subspan(packet.l3, 20)));
    EXPECT_FALSE(packet.replaces_identification);
}

TEST_F(Reassembly, EveryOrderOfFourPiecesOfIpv6) {
    std::array<std::size_t, 4> order{0, 1, 2, 3};
    do {
        Frame whole = datagram6(2000);
        for (const std::size_t piece : order) {
            pass6(fragment6(whole, piece * 512, 512));
        }
        const Packet packet = whole_.empty() ? Packet{} : whole_[0];
        expect_whole(whole);
        EXPECT_EQ(packet.header<Ipv6Header>(14).payload_length_bytes.host(), 8 + 8 + 2000);
        EXPECT_EQ(packet.header<Ipv6FragmentHeader>(54).offset_and_more.host(), 0);
    } while (std::next_permutation(order.begin(), order.end()));
    EXPECT_TRUE(dropped_.empty());
}

TEST_F(Reassembly, ADuplicateIsIgnored) {
    Frame whole = datagram6(1000);
    pass6(fragment6(whole, 512, 512));
    pass6(fragment6(whole, 512, 512));
    pass6(fragment6(whole, 0, 512));
    expect_whole(whole);
    EXPECT_EQ(absorbed_, 2U);
}

TEST_F(Reassembly, AnOverlapEndsTheDatagram) {
    Frame whole = datagram6(1500);
    pass6(fragment6(whole, 0, 512));
    pass6(fragment6(whole, 504, 512));
    EXPECT_EQ(dropped_, (std::vector{DropReason::fragment_overlap, DropReason::fragment_overlap}))
        << "the fragment and what was held";
    pass6(fragment6(whole, 512, 512));
    pass6(fragment6(whole, 1024, 512));
    EXPECT_EQ(dropped_.size(), 4U);
    EXPECT_TRUE(whole_.empty());
}

TEST_F(Reassembly, LastFragmentsThatDisagreeAreAnOverlap) {
    Frame longer = datagram6(1500);
    Frame shorter = datagram6(1016);
    pass6(fragment6(longer, 0, 512));
    pass6(fragment6(longer, 1024, 512));  // the datagram ends with it
    pass6(fragment6(shorter, 512, 512));  // so does it with this one
    EXPECT_EQ(dropped_, (std::vector{DropReason::fragment_overlap, DropReason::fragment_overlap}));
}

TEST_F(Reassembly, AnOverlapOfIpv4LeavesNothingToOpen) {
    Frame whole = datagram(1500);
    pass(fragment4(whole, 0, 512));
    pass(fragment4(whole, 504, 512));
    pass(fragment4(whole, 512, 2000));
    EXPECT_EQ(dropped_, (std::vector{DropReason::fragment_overlap, DropReason::fragment_overlap}));
    now_ += std::chrono::seconds{2};
    slice();
    EXPECT_EQ(dropped_.back(), DropReason::reassembly_timeout);
    EXPECT_TRUE(whole_.empty());
}

TEST_F(Reassembly, TwoSecondsAndNoLonger) {
    Frame whole = datagram6(1000);
    pass6(fragment6(whole, 0, 512));
    now_ += std::chrono::milliseconds{1999};
    pass6(fragment6(whole, 512, 512));
    expect_whole(whole);
    pass6(fragment6(whole, 0, 512));
    now_ += std::chrono::seconds{2};
    pass6(fragment6(whole, 512, 512));
    EXPECT_TRUE(whole_.empty());
    EXPECT_EQ(dropped_, std::vector{DropReason::reassembly_timeout});
}

TEST_F(Reassembly, UpTo9216BytesAndNoMore) {
    Frame whole = datagram6(9216 - 8);
    for (std::size_t offset = 0; offset < 9216; offset += 1024) {
        pass6(fragment6(whole, offset, 1024));
    }
    expect_whole(whole);
    Frame longer = datagram6(9216 - 8 + 1);
    for (std::size_t offset = 0; offset < 9217; offset += 1024) {
        pass6(fragment6(longer, offset, 1024));
    }
    EXPECT_EQ(dropped_,
              (std::vector{DropReason::reassembly_too_long, DropReason::reassembly_too_long}));
    EXPECT_TRUE(whole_.empty());
}

TEST_F(Reassembly, AsLongAsTheBufferAndNoLonger) {
    // Behind 128 bytes of head room, 14 of Ethernet and 20 of IPv4.
    constexpr std::size_t kRoom = 2304 - 128 - 14 - 20;
    Frame fits = datagram(kRoom - 8, 1);
    for (std::size_t offset = 0; offset < fits.transport().size(); offset += 1024) {
        pass(fragment4(fits, offset, 1024, 0));
    }
    expect_whole(fits);
    Frame longer = datagram(kRoom - 8 + 1, 2);
    for (std::size_t offset = 0; offset < longer.transport().size(); offset += 1024) {
        pass(fragment4(longer, offset, 1024, 0));
    }
    EXPECT_EQ(dropped_.back(), DropReason::reassembly_too_long);
    EXPECT_TRUE(whole_.empty());
}

TEST_F(Reassembly, SoManyAtOnceAndNoMore) {
    Frame whole = datagram6(1000);
    for (std::uint32_t identification = 0; identification < 1024; ++identification) {
        pass6(fragment6(whole, 0, 512, identification));
    }
    EXPECT_TRUE(dropped_.empty());
    EXPECT_EQ(state_.table.in_flight(), 1024U);
    pass6(fragment6(whole, 0, 512, 1024));
    EXPECT_EQ(dropped_, std::vector{DropReason::reassembly_full});
    pass6(fragment6(whole, 512, 512, 5));  // those that are under way go on
    expect_whole(whole);
    pass6(fragment6(whole, 0, 512, 1024));
    EXPECT_EQ(dropped_.size(), 1U);
    while (reassembly_discard(state_, batch_)) {
        batch_.clear();
    }
    EXPECT_EQ(state_.table.in_flight(), 0U);
    EXPECT_EQ(held_, released_.value());
}

// One source has a limit of contexts of its own in the fragment stage; what is put together is
// bounded here instead.
TEST_F(Reassembly, OnePeerMayHaveManyUnderWay) {
    std::vector<Frame> wholes;
    for (std::uint16_t number = 0; number < 200; ++number) {
        wholes.push_back(datagram(1000, number));
        pass(fragment4(wholes.back(), 0, 512));
    }
    for (Frame& whole : wholes) {
        pass(fragment4(whole, 512, 512));
        expect_whole(whole);
    }
    EXPECT_TRUE(dropped_.empty());
}

TEST_F(Reassembly, FragmentsMeetOnOneWorker) {
    constexpr std::uint8_t kWorkers = 4;
    state_.workers = kWorkers;
    fragments_.workers = kWorkers;
    std::array<std::size_t, kWorkers> taken{};
    for (std::uint32_t identification = 0; identification < 64; ++identification) {
        std::array<std::size_t, kWorkers> here{};
        for (std::uint8_t worker = 0; worker < kWorkers; ++worker) {
            state_.worker = worker;
            Frame whole = datagram6(1000);
            const std::size_t before = handed_off_;
            pass6(fragment6(whole, 0, 512, identification));
            if (handed_off_ == before) {
                ++here[worker];
                ++taken[worker];
                pass6(fragment6(whole, 512, 512, identification));
                expect_whole(whole);
            }
        }
        EXPECT_EQ(std::accumulate(here.begin(), here.end(), std::size_t{0}), 1U);
    }
    for (const std::size_t count : taken) {
        EXPECT_GT(count, 4U) << "no worker has them all";
    }
}

}  // namespace
}  // namespace towpath::parse
