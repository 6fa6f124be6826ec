// SPDX-License-Identifier: BSD-3-Clause
// Errors that the box sends: nat-behaviour.md 14.1, 14.5, 16.3; decisions.md N17.
#include "dataplane/route/icmp_error_stage.h"

#include "dataplane/wire/checksum.h"
#include "tests/unit/route/route_fixture.h"

namespace towpath::route {
namespace {

using enum DropReason;

class IcmpError : public RouteFixture {
protected:
    IcmpError() {
        state_.view = view_;
        state_.budget.suppressed = &suppressed_;
    }
    Lane pass(Frame& frame, std::uint8_t type = 11, std::uint8_t code = 0,
              std::uint16_t mtu_bytes = 0, DropReason verdict = ttl_expired) {
        batch_.clear();
        EXPECT_TRUE(batch_.admit(frame.packet, Lane::parse));
        batch_.lane(Lane::parse).clear();
        batch_.reject(0, verdict, type, code, mtu_bytes);
        icmp_error_stage(state_, batch_, now_);
        EXPECT_TRUE(batch_.lane(Lane::icmp_error).empty());
        frame.packet = batch_[0];
        return lane_of();
    }
    Lane pass(Frame&& frame) {
        Frame kept = std::move(frame);
        const Lane lane = pass(kept);
        verdict_ = kept.packet.verdict;
        return lane;
    }
    static std::vector<std::byte> ip_bytes(Frame& frame) {
        const auto bytes = frame.bytes().subspan(frame.packet.l3);
        return {bytes.begin(), bytes.end()};
    }
    static std::vector<std::byte> quote(Frame& frame) {
        const auto bytes = frame.transport().subspan(8);
        return {bytes.begin(), bytes.end()};
    }

    SuppressedErrorCounters suppressed_;
    IcmpErrorState state_;
    DropReason verdict_ = none;
};

TEST_F(IcmpError, TellsTheSenderFromTheReceivingInterface) {
    Frame frame = parsed(builders::udp({.ttl = 1}));
    const std::vector<std::byte> sent = ip_bytes(frame);
    ASSERT_EQ(pass(frame), Lane::link);
    EXPECT_EQ(frame.packet.verdict, ttl_expired);
    EXPECT_TRUE(frame.packet.is_originated);
    EXPECT_EQ(frame.packet.egress, kLan);
    EXPECT_EQ(frame.packet.next_hop, builders::address("10.77.1.2"));
    EXPECT_EQ(Ipv4Address{frame.ipv4().source}, builders::address("10.77.1.1"));
    EXPECT_EQ(Ipv4Address{frame.ipv4().destination}, builders::address("10.77.1.2"));
    EXPECT_EQ(frame.icmp().type, 11);
    EXPECT_EQ(frame.icmp().code, 0);
    EXPECT_TRUE(checksum_is_valid(frame.header()));
    EXPECT_TRUE(checksum_is_valid(frame.transport()));
    EXPECT_EQ(quote(frame), sent);
}

TEST_F(IcmpError, OutsideHearsFromTheOutsideAddress) {
    Frame frame = parsed(builders::udp(
        {.source = "198.51.100.1", .destination = "192.0.2.20", .ttl = 1, .ingress = kWan}));
    ASSERT_EQ(pass(frame), Lane::link);
    EXPECT_EQ(Ipv4Address{frame.ipv4().source}, builders::address("192.0.2.10"));
    EXPECT_EQ(frame.packet.next_hop, builders::address("192.0.2.1"));
    EXPECT_EQ(frame.packet.egress, kWan);
}

TEST_F(IcmpError, TooBigCarriesTheMtu) {
    Frame frame = parsed(builders::udp({.payload_bytes = 1400}));
    ASSERT_EQ(pass(frame, 3, 4, 1300, route_too_big), Lane::link);
    EXPECT_EQ(frame.icmp().sequence.host(), 1300);
    EXPECT_EQ(frame.icmp().identifier.host(), 0);
}

TEST_F(IcmpError, QuotesAtMost576BytesInAll) {
    Frame frame = parsed(builders::udp({.payload_bytes = 1400}));
    ASSERT_EQ(pass(frame), Lane::link);
    EXPECT_EQ(frame.packet.length, 14 + 576);
    EXPECT_EQ(frame.ipv4().total_length_bytes.host(), 576);
    EXPECT_TRUE(checksum_is_valid(frame.transport()));
}

// N17: the packet is quoted as its sender sent it, checksums included.
TEST_F(IcmpError, QuotesTheOriginalOfARewrittenPacket) {
    for (const int protocol : {1, 6, 17}) {
        const builders::Fields original{.source = "198.51.100.1",
                                        .source_port = 443,
                                        .destination = "192.0.2.20",
                                        .destination_port = 5000,
                                        .ingress = kWan};
        builders::Fields rewritten = original;
        rewritten.destination = "10.77.1.2";
        rewritten.destination_port = 40000;
        const auto make = [&](const builders::Fields& fields) {
            return parsed(protocol == 1   ? builders::icmp_echo_reply(fields)
                          : protocol == 6 ? builders::tcp(fields)
                                          : builders::udp(fields));
        };
        Frame sent = make(original);
        if (protocol == 1) {
            rewritten.source_port = 999;  // the Identifier
        }
        Frame frame = make(rewritten);
        Packet& packet = frame.packet;
        packet.was_rewritten_inbound = true;
        packet.original_source_address = builders::address("198.51.100.1");
        packet.original_destination_address = builders::address("192.0.2.20");
        packet.original_source_port = sent.packet.source_port;
        packet.original_destination_port = sent.packet.destination_port;
        ASSERT_EQ(pass(frame, 3, 4, 1300, route_too_big), Lane::link) << protocol;
        EXPECT_EQ(quote(frame), ip_bytes(sent)) << protocol;
        now_ += std::chrono::seconds{1};
    }
}

TEST_F(IcmpError, NeverAboutAnError) {
    Frame about = builders::udp({.source = "198.51.100.1", .destination = "10.77.1.2"});
    EXPECT_EQ(pass(parsed(builders::icmp_error({}, about, IcmpType::time_exceeded, 0))),
              Lane::drop);
    EXPECT_EQ(verdict_, ttl_expired);
    EXPECT_EQ(pass(parsed(builders::icmp_query({}, IcmpType::redirect))), Lane::drop);
    // Nobody may be told: nothing was suppressed.
    EXPECT_EQ(suppressed_.over_rate.value() + suppressed_.repeated.value(), 0U);
    EXPECT_EQ(pass(parsed(builders::icmp_echo())), Lane::link);
}

TEST_F(IcmpError, NeverAboutALaterFragment) {
    Frame whole = builders::udp({.payload_bytes = 900});
    Frame later = parsed(builders::fragment_of(whole, 400, 400));
    EXPECT_EQ(pass(later), Lane::drop);
    Frame first = parsed(builders::fragment_of(whole, 0, 400));
    EXPECT_EQ(pass(first), Lane::link);
}

TEST_F(IcmpError, NeverToASenderThatCannotBe) {
    for (const char* source : {"192.0.2.20", "10.77.1.1", "10.77.1.255", "10.77.99.1", "0.1.1.1",
                               "127.0.0.1", "224.0.0.1"}) {
        EXPECT_EQ(pass(parsed(builders::udp({.source = source}))), Lane::drop) << source;
    }
    EXPECT_EQ(pass(parsed(builders::udp({.source = "10.77.1.9", .ingress = kWan}))), Lane::drop);
    EXPECT_EQ(pass(parsed(builders::udp({.source = "203.0.113.9", .ingress = kWan}))),
              Lane::drop);  // no way back
}

TEST_F(IcmpError, RateForOneHost) {
    const auto from_port = [](std::uint16_t port) { return builders::udp({.source_port = port}); };
    for (std::uint16_t sent = 0; sent < 6; ++sent) {
        ASSERT_EQ(pass(parsed(from_port(static_cast<std::uint16_t>(5000 + sent)))), Lane::link);
    }
    EXPECT_EQ(suppressed_.over_rate.value(), 0U);
    EXPECT_EQ(pass(parsed(from_port(5006))), Lane::drop);
    EXPECT_EQ(verdict_, ttl_expired);
    EXPECT_EQ(suppressed_.over_rate.value(), 1U);
    EXPECT_EQ(suppressed_.repeated.value(), 0U);
    EXPECT_EQ(pass(parsed(builders::udp({.source = "10.77.1.3"}))), Lane::link);
    now_ += std::chrono::milliseconds{100};
    EXPECT_EQ(pass(parsed(from_port(5006))), Lane::link);  // what drew no error was none
}

// 16.3: once per second and flow; another code, flow or second is another error.
TEST_F(IcmpError, SaysTheSameOncePerSecond) {
    const auto refused = [&](Frame frame, std::uint8_t code) {
        Frame kept = parsed(std::move(frame));
        const Lane lane = pass(kept, 3, code, 0, nat_port_exhausted);
        verdict_ = kept.packet.verdict;
        return lane;
    };
    EXPECT_EQ(refused(builders::udp(), 1), Lane::link);
    EXPECT_EQ(refused(builders::udp({.identification = 2, .payload_bytes = 9}), 1), Lane::drop);
    EXPECT_EQ(verdict_, nat_port_exhausted);
    EXPECT_EQ(suppressed_.repeated.value(), 1U);
    EXPECT_EQ(refused(builders::udp(), 13), Lane::link);
    EXPECT_EQ(refused(builders::udp({.destination_port = 444}), 1), Lane::link);
    EXPECT_EQ(refused(builders::tcp({.tcp_sequence = 7}), 1), Lane::link);
    EXPECT_EQ(refused(builders::tcp({.tcp_sequence = 8}), 1), Lane::drop);
    EXPECT_EQ(refused(builders::icmp_echo({.icmp_sequence = 1}), 1), Lane::link);
    EXPECT_EQ(refused(builders::icmp_echo({.icmp_sequence = 1}), 1), Lane::drop);
    now_ += std::chrono::milliseconds{999};
    EXPECT_EQ(refused(builders::udp(), 1), Lane::drop);
    now_ += std::chrono::milliseconds{1};
    EXPECT_EQ(refused(builders::udp(), 1), Lane::link);
    EXPECT_EQ(suppressed_.repeated.value(), 4U);
    EXPECT_EQ(suppressed_.over_rate.value(), 0U);
}

// Probes of one flow are told apart by what is quoted.
TEST_F(IcmpError, AnswersEveryProbeOfATraceroute) {
    EXPECT_EQ(pass(parsed(builders::udp({.identification = 1}))), Lane::link);
    EXPECT_EQ(pass(parsed(builders::udp({.identification = 2}))), Lane::link);
    EXPECT_EQ(pass(parsed(builders::tcp({.tcp_sequence = 1}))), Lane::link);
    EXPECT_EQ(pass(parsed(builders::tcp({.tcp_sequence = 2}))), Lane::link);
    EXPECT_EQ(pass(parsed(builders::udp({.identification = 2}))), Lane::drop);
    EXPECT_EQ(verdict_, ttl_expired);
    EXPECT_EQ(suppressed_.repeated.value(), 1U);
}

// Hundreds of flows in a second do not make it forget: its sets hold 2048.
TEST_F(IcmpError, RemembersManyFlowsAtOnce) {
    state_.budget.interface_limit = RateLimit::per_second(100000, 100000);
    state_.budget.host_limit = RateLimit::per_second(100000, 100000);
    const auto from_port = [](std::uint16_t port) { return builders::udp({.source_port = port}); };
    for (std::uint16_t port = 1; port <= 500; ++port) {
        ASSERT_EQ(pass(parsed(from_port(port))), Lane::link);
    }
    std::size_t repeated = 0;
    for (std::uint16_t port = 1; port <= 500; ++port) {
        repeated += pass(parsed(from_port(port))) == Lane::drop ? 1 : 0;
    }
    EXPECT_GE(repeated, 490U);
    EXPECT_EQ(suppressed_.repeated.value(), repeated);
}

TEST_F(IcmpError, RateForOneInterface) {
    state_.budget.interface_limit = RateLimit::per_second(1, 2);
    EXPECT_EQ(pass(parsed(builders::udp({.source = "10.77.1.3"}))), Lane::link);
    EXPECT_EQ(pass(parsed(builders::udp({.source = "10.77.1.4"}))), Lane::link);
    EXPECT_EQ(pass(parsed(builders::udp({.source = "10.77.1.5"}))), Lane::drop);
    EXPECT_EQ(verdict_, ttl_expired);
    EXPECT_EQ(suppressed_.over_rate.value(), 1U);
}

TEST_F(IcmpError, ClassesDoNotStarveEachOther) {
    state_.budget.host_limit = RateLimit::per_second(1, 1);
    Frame unreachable = parsed(builders::udp());
    EXPECT_EQ(pass(unreachable, 3, 1, 0, nat_port_exhausted), Lane::link);
    Frame again = parsed(builders::udp({.source_port = 5001}));
    EXPECT_EQ(pass(again, 3, 1, 0, nat_port_exhausted), Lane::drop);
    Frame too_big = parsed(builders::udp());
    EXPECT_EQ(pass(too_big, 3, 4, 1300, route_too_big), Lane::link);
    Frame expired = parsed(builders::udp());
    EXPECT_EQ(pass(expired), Lane::link);
}

}  // namespace
}  // namespace towpath::route
