// SPDX-License-Identifier: BSD-3-Clause
// "Packet too big" lowers the MTU of the peer that it is about, and of nobody else; nobody who has
// not seen our packets can lower it (decisions.md W8).
#include "dataplane/wireguard/path_mtu.h"

#include <cstring>

#include "dataplane/wire/icmp.h"
#include "dataplane/wire/icmpv6.h"
#include "dataplane/wireguard/peer_timers.h"
#include "tests/unit/wireguard/tunnel_fixture.h"

namespace towpath::wireguard {
namespace {

constexpr std::size_t kHeaders = 20 + 8;  // of an inner packet of IPv4

class PathMtu : public TunnelTest {
protected:
    static constexpr PeerId kOther = 1;

    PathMtu() {
        connect();
        near.add_peer(kOther, {"10.99.3.0/24"});
        EXPECT_EQ(install(near, 2, true, 0, kOther), InstallResult::installed);
        EXPECT_TRUE(near.tables->learn_endpoint(kPeer, endpoint("[2001:db8:7::77]:51820"),
                                                ip("2001:db8:7::1"), now));
        EXPECT_TRUE(near.tables->learn_endpoint(kOther, endpoint("[2001:db8:7::77]:51821"),
                                                ip("2001:db8:7::1"), now));
    }

    // An inner packet of that length for a peer.
    static Frame of(std::size_t length_bytes, const char* destination = "10.99.2.5") {
        return inner("10.99.1.5", destination, length_bytes - kHeaders);
    }
    // What left for the peer.
    Frame sent(std::size_t length_bytes = 1280) {
        Frame frame = of(length_bytes);
        EXPECT_EQ(near.seal(frame, now).lane, Lane::underlay);
        return frame;
    }
    // A router's answer to that.
    static Frame too_big(const Frame& about, std::uint32_t mtu_bytes) {
        const auto quote = about.packet.bytes().subspan(about.packet.l3).first(1200);
        Frame frame{kFront_bytes + sizeof(Ipv6Header) + sizeof(Icmpv6Header) + quote.size()};
        frame.packet.ingress = kWan;
        frame.packet.l3 = kFront_bytes;
        frame.packet.l4 = kFront_bytes + sizeof(Ipv6Header);
        frame.packet.transport = TransportKind::icmp_error;
        auto& header = frame.packet.header<Ipv6Header>(kFront_bytes);
        header.version_class_flow = ipv6_first_word(0);
        header.source = ip("2001:db8:9::1").ipv6();
        header.destination = ip("2001:db8:7::1").ipv6();
        auto& icmp = frame.packet.header<Icmpv6Header>(frame.packet.l4);
        icmp.type = static_cast<std::uint8_t>(Icmpv6Type::packet_too_big);
        icmp.body = be32{mtu_bytes};
        std::copy(quote.begin(), quote.end(), quoted(frame));
        return frame;
    }
    // Where the quote begins.
    static std::byte* quoted(Frame& frame) {
        return frame.packet.data() + frame.packet.l4 + sizeof(Icmpv6Header);
    }
    Exit tell(std::uint32_t mtu_bytes) {
        Frame frame = too_big(sent(), mtu_bytes);
        return near.open(frame, now);
    }
    [[nodiscard]] std::uint16_t known(PeerId id = kPeer) {
        return near.peer(id).endpoint.read().path_mtu_bytes;
    }
};

TEST_F(PathMtu, LowersThatPeerAlone) {
    Frame full = of(1420);
    EXPECT_EQ(near.seal(full, now).lane, Lane::underlay);
    EXPECT_EQ(tell(1400), (Exit{Lane::absorb, DropReason::none}));
    EXPECT_EQ(known(), 1400);
    EXPECT_EQ(known(kOther), 0);
    Frame fits = of(1320);
    EXPECT_EQ(near.seal(fits, now).lane, Lane::underlay);
    EXPECT_EQ(fits.packet.length - fits.packet.l3, 1400) << "it fills the way";
    Frame other = of(1420, "10.99.3.5");
    EXPECT_EQ(near.seal(other, now).lane, Lane::underlay);
    EXPECT_EQ(other.packet.length - other.packet.l3, 1500);
}

TEST_F(PathMtu, SendersHearOfItOrAreCut) {
    static_cast<void>(tell(1400));
    Frame whole = of(1321);
    whole.ipv4().flags_and_offset = be16{kIpv4FlagDontFragment};
    EXPECT_EQ(near.seal(whole, now), (Exit{Lane::icmp_error, DropReason::route_too_big}));
    EXPECT_EQ(whole.packet.icmp_type, 3);
    EXPECT_EQ(whole.packet.icmp_code, kIcmpFragmentationNeeded);
    EXPECT_EQ(whole.packet.icmp_mtu_bytes, 1320);
    Frame ipv6 = inner_ipv6("2001:db8:1::5", "2001:db8:2::5", 1321 - 40);
    EXPECT_EQ(near.seal(ipv6, now), (Exit{Lane::icmp6_error, DropReason::route_too_big}));
    EXPECT_EQ(ipv6.packet.icmp_type, 2);
    EXPECT_EQ(ipv6.packet.icmp_mtu_bytes, 1320);
    Frame divisible = of(1321);
    EXPECT_EQ(near.seal(divisible, now).lane, Lane::link) << "to be cut";
    EXPECT_EQ(divisible.packet.icmp_mtu_bytes, 1320);
}

// What we make ourselves, and what was cut already: the outer packet is cut instead.
TEST_F(PathMtu, NothingIsRefusedTwice) {
    static_cast<void>(tell(1400));
    Frame answer = of(1420);
    answer.packet.is_originated = true;
    EXPECT_EQ(near.seal(answer, now).lane, Lane::underlay);
    EXPECT_EQ(answer.packet.icmp_mtu_bytes, 1400);
    Frame cut = of(1421);
    EXPECT_EQ(near.seal(cut, now).lane, Lane::link);
    static_cast<void>(tell(1300));
    EXPECT_EQ(near.seal(cut, now).lane, Lane::underlay);
}

// Below 1360 the inner packet keeps what IPv6 needs, and the outer one is to be cut.
TEST_F(PathMtu, NeverBelowWhatIpv6NeedsInside) {
    static_cast<void>(tell(1300));
    Frame fits = of(1280);
    EXPECT_EQ(near.seal(fits, now).lane, Lane::underlay);
    EXPECT_EQ(fits.packet.length - fits.packet.l3, 1360);
    EXPECT_EQ(fits.packet.icmp_mtu_bytes, 1300) << "for the link stage";
    Frame longer = inner_ipv6("2001:db8:1::5", "2001:db8:2::5", 1281 - 40);
    EXPECT_EQ(near.seal(longer, now).lane, Lane::icmp6_error);
    EXPECT_EQ(longer.packet.icmp_mtu_bytes, 1280);
    static_cast<void>(tell(600));
    EXPECT_EQ(known(), 1280) << "RFC 8201 section 4";
}

TEST_F(PathMtu, NeverRisesByItself) {
    static_cast<void>(tell(1300));
    EXPECT_EQ(tell(1400), (Exit{Lane::absorb, DropReason::none}));
    EXPECT_EQ(known(), 1300);
}

// RFC 8201 section 4: after ten minutes in which nobody said so again, the way may be wider.
TEST_F(PathMtu, IsForgottenInTime) {
    static_cast<void>(tell(1300));
    const auto visit = [&] { forget_old_path_mtu(near.peer(), now); };
    now += kPathMtuAge_max - std::chrono::seconds{1};
    ASSERT_EQ(install(near, 5, true), InstallResult::installed);  // the first one has expired
    visit();
    EXPECT_EQ(known(), 1300);
    static_cast<void>(tell(1300));
    now += std::chrono::seconds{1};
    visit();
    EXPECT_EQ(known(), 1300) << "it was said again";
    EXPECT_TRUE(near.peer().has(Peer::kPathMtuTold));
    now += kPathMtuAge_max - std::chrono::seconds{1};
    visit();
    EXPECT_EQ(known(), 0);
    EXPECT_FALSE(near.peer().has(Peer::kPathMtuTold));
}

// The timers come by; they wait for nobody.
TEST_F(PathMtu, TimersForgetIt) {
    static_cast<void>(tell(1300));
    static_cast<void>(near.tables->learn_endpoint(kPeer, endpoint("[2001:db8:7::78]:51820"),
                                                  ip("2001:db8:7::1"), now));
    EXPECT_TRUE(near.peer().has(Peer::kPathMtuTold));
    PeerTimers timers{*near.states[0], near.batch, now};
    EXPECT_TRUE(timers.visit(kPeer));
    timers.finish();
    EXPECT_FALSE(near.peer().has(Peer::kPathMtuTold)) << "another way, of which nothing was told";
}

TEST_F(PathMtu, AnotherWayIsAsWideAsItIs) {
    static_cast<void>(tell(1300));
    EXPECT_TRUE(near.tables->learn_endpoint(kPeer, endpoint("[2001:db8:7::77]:51820"),
                                            ip("2001:db8:7::2"), now));
    EXPECT_EQ(known(), 1300) << "only our own address is another";
    EXPECT_TRUE(near.tables->learn_endpoint(kPeer, endpoint("[2001:db8:7::78]:51820"),
                                            ip("2001:db8:7::2"), now));
    EXPECT_EQ(known(), 0);
    static_cast<void>(
        near.tables->apply_configured_endpoint(kPeer, endpoint("192.0.2.9:1"), 9, now));
    EXPECT_EQ(known(), 0);
}

TEST_F(PathMtu, AFirstFragmentOfOursTellsToo) {
    Frame frame = too_big(sent(), 1300);
    std::byte* const quote = quoted(frame);
    std::memmove(quote + 48, quote + 40, 1200 - 48);
    reinterpret_cast<Ipv6Header*>(quote)->next_header = 44;
    auto& fragment = *reinterpret_cast<Ipv6FragmentHeader*>(quote + 40);
    fragment = {17, 0, be16{std::uint16_t{8 | 1}}, be32{7}};
    EXPECT_EQ(near.open(frame, now), (Exit{Lane::drop, DropReason::icmp_error_no_mapping}));
    Frame first = too_big(sent(), 1300);
    std::copy_n(quote, 1200, quoted(first));
    reinterpret_cast<Ipv6FragmentHeader*>(quoted(first) + 40)->offset_and_more =
        be16{std::uint16_t{1}};
    EXPECT_EQ(near.open(first, now), (Exit{Lane::absorb, DropReason::none}));
    EXPECT_EQ(known(), 1300);
}

// wireguard.md section 14, RFC 8201 section 6: each of what a stranger would have to know.
TEST_F(PathMtu, WhatDoesNotQuoteOurPacketIsNotBelieved) {
    constexpr std::size_t kUdp = 40, kMessage = 48;
    struct Forgery {
        const char* what;
        std::size_t at;  // in the quote
    };
    for (const Forgery& forgery :
         {Forgery{"our address", 8}, Forgery{"the peer's address", 24}, Forgery{"our port", kUdp},
          Forgery{"the peer's port", kUdp + 2}, Forgery{"the message type", kMessage},
          Forgery{"the session", kMessage + 4}, Forgery{"UDP", 6}, Forgery{"IPv6", 0}}) {
        Frame frame = too_big(sent(), 1300);
        quoted(frame)[forgery.at] ^= std::byte{0x30};
        EXPECT_EQ(near.open(frame, now), (Exit{Lane::drop, DropReason::icmp_error_no_mapping}))
            << forgery.what;
        EXPECT_EQ(known(), 0) << forgery.what;
    }
    for (const std::size_t length :
         {std::size_t{0}, std::size_t{39}, std::size_t{47}, std::size_t{48}, std::size_t{63}}) {
        Frame frame = too_big(sent(), 1300);
        frame.packet.length =
            static_cast<std::uint16_t>(frame.packet.l4 + sizeof(Icmpv6Header) + length);
        EXPECT_EQ(near.open(frame, now), (Exit{Lane::drop, DropReason::icmp_error_no_mapping}))
            << length;
    }
    EXPECT_EQ(known(), 0);
}

TEST_F(PathMtu, TheSessionBeforeIsBelievedAndOneThatEndedIsNot) {
    const Frame before = sent();
    ASSERT_EQ(install(near, 5, true), InstallResult::installed);
    Frame late = too_big(before, 1300);
    EXPECT_EQ(near.open(late, now).lane, Lane::absorb);
    near.tables->end_sessions(kPeer);
    Frame after = too_big(before, 1290);
    EXPECT_EQ(near.open(after, now).lane, Lane::drop);
}

}  // namespace
}  // namespace towpath::wireguard
