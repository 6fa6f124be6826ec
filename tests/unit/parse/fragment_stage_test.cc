// SPDX-License-Identifier: BSD-3-Clause
// Virtual reassembly (nat-behaviour.md 11): associations, order, validity rules, limits.
#include "dataplane/parse/fragment_stage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <set>

#include "dataplane/parse/parse_stage.h"
#include "tests/builders/packet_builder.h"

namespace towpath::parse {
namespace {

using builders::Frame;

class FragmentStage : public testing::Test {
protected:
    FragmentStage() {
        interfaces_.count = 2;
        for (std::size_t index = 0; index < 2; ++index) {
            interfaces_.storage[index].id = static_cast<InterfaceId>(index);
            interfaces_.storage[index].mac = builders::kOurMac;
            interfaces_.storage[index].mtu_bytes = 1500;
        }
        interfaces_.storage[0].role = InterfaceRole::inside;
        interfaces_.storage[1].role = InterfaceRole::outside;
        use_limits({});
    }
    void use_limits(const FragmentLimits& limits) { state_.table = FragmentTable{limits, 99}; }

    // One packet through parse and fragment, in a burst of its own.
    void pass(Frame& frame) {
        batch_.clear();
        fragment_slice(state_, batch_, now_, 16);
        State parse_state{&interfaces_};
        ASSERT_TRUE(batch_.admit(frame.packet, Lane::parse));
        parse_stage(parse_state, batch_, now_);
        fragment_stage(state_, batch_, now_);
        collect();
    }
    void slice() {
        batch_.clear();
        fragment_slice(state_, batch_, now_, 1000);
        collect();
    }
    void collect() {
        for (const PacketIndex index : batch_.lane(Lane::classify)) {
            classified_.push_back(batch_[index]);
        }
        for (const PacketIndex index : batch_.lane(Lane::drop)) {
            dropped_.push_back(batch_[index].verdict);
        }
        held_ += batch_.lane(Lane::hold).size();
        handed_off_ += batch_.lane(Lane::hand_off).size();
    }
    DropReason last_drop() const { return dropped_.empty() ? DropReason::none : dropped_.back(); }
    static std::uint32_t offset_of(const Packet& packet) {
        return packet.header<Ipv4Header>(packet.l3).fragment_offset_bytes();
    }

    InterfaceTable interfaces_;
    IdentificationSource identification_{0, 1, 500};
    Counter released_;
    FragmentState state_{.table = FragmentTable{},
                         .identification = &identification_,
                         .interfaces = &interfaces_,
                         .released = &released_};
    Batch batch_;
    Now now_{std::chrono::seconds{1000}};
    std::vector<Packet> classified_;
    std::vector<DropReason> dropped_;
    std::size_t held_ = 0;
    std::size_t handed_off_ = 0;
};

TEST_F(FragmentStage, AllOrdersOfFourPiecesComeOutAnnotated) {
    for (const char protocol : {'u', 't', 'i'}) {
        std::array<std::size_t, 4> order{0, 1, 2, 3};
        do {
            use_limits({});
            classified_.clear();
            const builders::Fields fields{.source_port = 7000, .payload_bytes = 2000};
            Frame whole = protocol == 'u'   ? builders::udp(fields)
                          : protocol == 't' ? builders::tcp(fields)
                                            : builders::icmp_echo(fields);
            std::vector<Frame> pieces = builders::fragments_of(whole, 512);
            ASSERT_EQ(pieces.size(), 4U);
            std::vector<std::uint32_t> expected;
            for (const std::size_t piece : order) {
                pass(pieces[piece]);
                // The first goes ahead of those that waited for it.
                const auto offset = static_cast<std::uint32_t>(piece * 512);
                if (piece == 0) {
                    expected.insert(expected.begin(), offset);
                } else {
                    expected.push_back(offset);
                }
            }
            ASSERT_EQ(classified_.size(), 4U);
            for (std::size_t index = 0; index < 4; ++index) {
                const Packet& packet = classified_[index];
                EXPECT_EQ(offset_of(packet), expected[index]);
                EXPECT_EQ(packet.fragment, index == 0 ? FragmentKind::first : FragmentKind::later);
                EXPECT_EQ(packet.source_port, Port{std::uint16_t{7000}});
                EXPECT_EQ(packet.transport, classified_[0].transport);
                EXPECT_NE(packet.transport, TransportKind::unknown);
                EXPECT_TRUE(packet.replaces_identification);
                EXPECT_EQ(packet.replacement_identification,
                          classified_[0].replacement_identification);
            }
            EXPECT_EQ(state_.table.held_count(), 0U);
        } while (std::next_permutation(order.begin(), order.end()));
    }
    EXPECT_TRUE(dropped_.empty());
    EXPECT_EQ(released_.value(), held_);
}

TEST_F(FragmentStage, LargeUdpDatagramInReverseOrder) {
    Frame whole = builders::udp({.payload_bytes = 65000});
    std::vector<Frame> pieces = builders::fragments_of(whole, 1480);
    ASSERT_EQ(pieces.size(), 44U);
    for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) {
        pass(*piece);
    }
    for (int turn = 0; turn < 3; ++turn) {
        slice();
    }
    EXPECT_EQ(classified_.size(), 44U);
    EXPECT_TRUE(dropped_.empty());
}

TEST_F(FragmentStage, TwoSendersWithOneIdentificationGetDifferentOnes) {
    Frame one = builders::udp({.source = "10.77.1.2", .payload_bytes = 900});
    Frame two = builders::udp({.source = "10.77.1.3", .payload_bytes = 900});
    Frame first = builders::fragment_of(one, 0, 400);
    Frame second = builders::fragment_of(two, 0, 400);
    pass(first);
    pass(second);
    ASSERT_EQ(classified_.size(), 2U);
    EXPECT_NE(classified_[0].replacement_identification, classified_[1].replacement_identification);
}

TEST_F(FragmentStage, ExactDuplicateGoesOn) {
    Frame whole = builders::udp({.payload_bytes = 900});
    std::vector<Frame> pieces = builders::fragments_of(whole, 400);
    pass(pieces[0]);
    pass(pieces[1]);
    pass(pieces[1]);
    pass(pieces[0]);
    EXPECT_EQ(classified_.size(), 4U);
    EXPECT_TRUE(dropped_.empty());
}

TEST_F(FragmentStage, OverlapPoisonsTheDatagram) {
    Frame whole = builders::udp({.payload_bytes = 900});
    Frame first = builders::fragment_of(whole, 0, 400);
    Frame overlapping = builders::fragment_of(whole, 392, 400);
    Frame last = builders::fragment_of(whole, 800, 400);
    pass(first);
    pass(overlapping);
    EXPECT_EQ(last_drop(), DropReason::fragment_overlap);
    pass(last);
    EXPECT_EQ(dropped_.size(), 2U);
    EXPECT_EQ(last_drop(), DropReason::fragment_overlap);
}

TEST_F(FragmentStage, OverlapGivesUpWhatWaits) {
    Frame whole = builders::udp({.payload_bytes = 900});
    Frame later = builders::fragment_of(whole, 400, 400);
    Frame overlapping = builders::fragment_of(whole, 408, 400);
    pass(later);
    pass(overlapping);
    slice();
    EXPECT_EQ(dropped_, (std::vector<DropReason>{DropReason::fragment_overlap,
                                                 DropReason::fragment_overlap}));
    EXPECT_EQ(state_.table.held_count(), 0U);
}

TEST_F(FragmentStage, TwoDifferentFirstsPoison_BadFrag03) {
    Frame one = builders::udp({.source_port = 1000, .payload_bytes = 900});
    Frame two = builders::udp({.source_port = 2000, .payload_bytes = 900});
    Frame first = builders::fragment_of(one, 0, 400);
    Frame other = builders::fragment_of(two, 0, 400);
    pass(first);
    pass(other);
    EXPECT_EQ(last_drop(), DropReason::fragment_overlap);
}

TEST_F(FragmentStage, LengthOfZeroOrNoMultipleOfEight) {
    Frame whole = builders::udp({.payload_bytes = 900});
    Frame empty = builders::fragment_of(whole, 400, 0);
    pass(empty);
    EXPECT_EQ(last_drop(), DropReason::fragment_empty);
    Frame piece = builders::fragment_of(whole, 0, 401);
    pass(piece);
    EXPECT_EQ(last_drop(), DropReason::fragment_bad_length);
}

TEST_F(FragmentStage, EndBeyondTheLargestDatagramPoisons) {
    Frame whole = builders::udp({.payload_bytes = 900});
    Frame first = builders::fragment_of(whole, 0, 400);
    pass(first);
    Frame piece = builders::fragment_of(whole, 400, 400);
    piece.ipv4().flags_and_offset = be16{std::uint16_t{0x1FFF}};
    piece.seal_ipv4();
    pass(piece);
    EXPECT_EQ(last_drop(), DropReason::fragment_overflow);
    Frame last = builders::fragment_of(whole, 800, 400);
    pass(last);
    EXPECT_EQ(last_drop(), DropReason::fragment_overlap);
}

TEST_F(FragmentStage, FirstTooShortForItsTransportRefusesTheRest) {
    Frame whole = builders::tcp({.payload_bytes = 900});
    Frame first = builders::fragment_of(whole, 0, 16);
    Frame later = builders::fragment_of(whole, 16, 400);
    pass(later);
    pass(first);
    EXPECT_EQ(last_drop(), DropReason::fragment_too_short);
    slice();
    EXPECT_EQ(last_drop(), DropReason::fragment_refused);
    Frame last = builders::fragment_of(whole, 416, 1000);
    pass(last);
    EXPECT_EQ(last_drop(), DropReason::fragment_refused);
    EXPECT_EQ(dropped_.size(), 3U);
}

TEST_F(FragmentStage, TcpAtOffsetOne) {
    Frame whole = builders::tcp({.payload_bytes = 900});
    Frame piece = builders::fragment_of(whole, 8, 400);
    pass(piece);
    EXPECT_EQ(last_drop(), DropReason::fragment_tcp_offset_one);
}

TEST_F(FragmentStage, IcmpErrorInFragments_BadIcmp17) {
    Frame about = builders::udp({.source = "192.0.2.10", .payload_bytes = 900});
    Frame error = builders::icmp_error({.source = "203.0.113.1", .ingress = InterfaceId{1}}, about,
                                       IcmpType::time_exceeded, 0, 0, 500);
    Frame piece = builders::fragment_of(error, 0, 400);
    pass(piece);
    EXPECT_EQ(last_drop(), DropReason::icmp_error_fragmented);
}

TEST_F(FragmentStage, LastWithoutFirstExpires_BadFrag01) {
    Frame whole = builders::udp({.payload_bytes = 900});
    Frame last = builders::fragment_of(whole, 800, 400);
    pass(last);
    EXPECT_EQ(held_, 1U);
    now_ += std::chrono::milliseconds{4999};
    slice();
    EXPECT_TRUE(dropped_.empty());
    now_ += std::chrono::milliseconds{1};
    slice();
    EXPECT_EQ(dropped_, std::vector{DropReason::fragment_timeout});
    EXPECT_EQ(state_.table.context_count(), 0U);
    EXPECT_EQ(released_.value(), 1U);
}

TEST_F(FragmentStage, FirstOnlyIsForwarded_BadFrag02) {
    Frame whole = builders::udp({.payload_bytes = 900});
    Frame first = builders::fragment_of(whole, 0, 400);
    pass(first);
    EXPECT_EQ(classified_.size(), 1U);
    now_ += std::chrono::seconds{6};
    slice();
    EXPECT_TRUE(dropped_.empty());
    EXPECT_EQ(state_.table.context_count(), 0U);
}

TEST_F(FragmentStage, QueueOfOneDatagramIsBounded) {
    use_limits({.held_per_datagram = 2});
    Frame whole = builders::udp({.payload_bytes = 900});
    for (const std::size_t offset : {200U, 400U, 600U}) {
        EXPECT_TRUE(dropped_.empty());
        Frame piece = builders::fragment_of(whole, offset, 200);
        pass(piece);
    }
    EXPECT_EQ(last_drop(), DropReason::fragment_queue_full);
}

TEST_F(FragmentStage, ContextsAreBounded_BadFrag06) {
    use_limits({.contexts = 8, .contexts_per_source = 2});
    for (std::uint16_t id = 1; id <= 2; ++id) {
        Frame whole = builders::udp({.identification = id, .payload_bytes = 900});
        Frame piece = builders::fragment_of(whole, 400, 400);
        pass(piece);
    }
    EXPECT_TRUE(dropped_.empty());
    Frame whole = builders::udp({.identification = 3, .payload_bytes = 900});
    Frame later = builders::fragment_of(whole, 400, 400);
    pass(later);
    EXPECT_EQ(last_drop(), DropReason::fragment_contexts_full);
    Frame first = builders::fragment_of(whole, 0, 400);  // needs none
    pass(first);
    EXPECT_EQ(classified_.size(), 1U);
}

TEST_F(FragmentStage, SpoofedSourcesGetNoContext_BadFrag05) {
    const PrefixSet sources{std::vector{builders::prefix("10.77.1.0/24")}};
    state_.inside_sources = &sources;
    Frame whole = builders::udp({.source = "10.99.0.1", .payload_bytes = 900});
    Frame piece = builders::fragment_of(whole, 400, 400);
    pass(piece);
    EXPECT_EQ(last_drop(), DropReason::source_not_inside);
    EXPECT_EQ(state_.table.context_count(), 0U);
}

TEST_F(FragmentStage, SidesDoNotMix) {
    Frame inside = builders::udp({.payload_bytes = 900});
    Frame first = builders::fragment_of(inside, 0, 400);
    pass(first);
    Frame later = builders::fragment_of(inside, 400, 400);
    later.packet.ingress = InterfaceId{1};
    pass(later);
    EXPECT_EQ(held_, 1U);
}

TEST_F(FragmentStage, PiecesOfOneDatagramMeetOnOneWorker) {
    std::set<WorkerId> used;
    for (std::uint16_t id = 0; id < 200; ++id) {
        Frame whole = builders::udp({.identification = id, .payload_bytes = 900});
        std::vector<Frame> pieces = builders::fragments_of(whole, 400);
        const WorkerId worker = fragment_worker(pieces[0].packet, 4);
        EXPECT_LT(worker, 4);
        EXPECT_EQ(fragment_worker(pieces[1].packet, 4), worker);
        EXPECT_EQ(fragment_worker(pieces[2].packet, 4), worker);
        used.insert(worker);
    }
    EXPECT_EQ(used.size(), 4U);
}

TEST_F(FragmentStage, HandsOffWhatIsAnothers) {
    state_.workers = 4;
    Frame whole = builders::udp({.payload_bytes = 900});
    Frame piece = builders::fragment_of(whole, 400, 400);
    state_.worker = static_cast<WorkerId>((fragment_worker(piece.packet, 4) + 1) % 4);
    pass(piece);
    EXPECT_EQ(handed_off_, 1U);
    EXPECT_EQ(batch_[0].resume, Lane::fragment);
    EXPECT_EQ(batch_[0].target_worker, fragment_worker(piece.packet, 4));
}

TEST_F(FragmentStage, UntranslatedProtocolsNeedNoContext) {
    Frame whole = builders::ipv4({}, 47, 900);
    Frame piece = builders::fragment_of(whole, 400, 400);
    pass(piece);
    ASSERT_EQ(classified_.size(), 1U);
    EXPECT_EQ(classified_[0].fragment, FragmentKind::later);
    EXPECT_EQ(state_.table.context_count(), 0U);
}

// What does not fit the batch comes later, and what arrives meanwhile does not overtake it.
TEST_F(FragmentStage, OrderHoldsWhenTheBatchIsFull) {
    Frame whole = builders::udp({.payload_bytes = 4000});
    std::vector<Frame> pieces = builders::fragments_of(whole, 64);
    for (std::size_t piece = 1; piece < 61; ++piece) {
        pass(pieces[piece]);
    }
    // A batch that is nearly full of something else.
    std::deque<Frame> others;
    batch_.clear();
    while (batch_.room() > 40) {
        others.push_back(builders::udp());
        ASSERT_TRUE(batch_.admit(others.back().packet, Lane::transmit));
    }
    State parse_state{&interfaces_};
    ASSERT_TRUE(batch_.admit(pieces[0].packet, Lane::parse));
    ASSERT_TRUE(batch_.admit(pieces[61].packet, Lane::parse));
    parse_stage(parse_state, batch_, now_);
    fragment_stage(state_, batch_, now_);
    collect();
    EXPECT_TRUE(state_.table.has_ready());
    slice();
    slice();
    ASSERT_EQ(classified_.size(), 62U);
    for (std::size_t index = 0; index < classified_.size(); ++index) {
        EXPECT_EQ(offset_of(classified_[index]), index * 64);
    }
}

TEST_F(FragmentStage, DiscardGivesEveryBufferBack) {
    Frame whole = builders::udp({.payload_bytes = 4000});
    std::vector<Frame> pieces = builders::fragments_of(whole, 64);
    for (std::size_t piece = 1; piece < 40; ++piece) {
        pass(pieces[piece]);
    }
    batch_.clear();
    EXPECT_FALSE(fragment_discard(state_, batch_));
    EXPECT_EQ(batch_.lane(Lane::drop).size(), 39U);
    EXPECT_TRUE(batch_.is_conserved());
}

}  // namespace
}  // namespace towpath::parse
