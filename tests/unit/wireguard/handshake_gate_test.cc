// SPDX-License-Identifier: BSD-3-Clause
// Handshake messages on their way to the server thread (wireguard.md section 17 #6 to #8;
// decisions.md W18).
#include "dataplane/crypto/hash.h"
#include "dataplane/wireguard/handshake_budget.h"
#include "tests/unit/wireguard/tunnel_fixture.h"

namespace towpath::wireguard {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

class HandshakeGateTest : public TunnelTest {
protected:
    // With a good mac1, if its type has one.
    Frame message(std::uint8_t type, std::size_t length_bytes,
                  std::string_view source = "203.0.113.50", std::uint16_t source_port = 1234) {
        Frame frame = builders::udp({.source = source,
                                     .source_port = source_port,
                                     .destination = "198.51.100.1",
                                     .destination_port = kListenPort.number(),
                                     .payload_bytes = length_bytes});
        frame.packet.source_port = Port{source_port};
        frame.packet.destination_port = kListenPort;
        const std::span<std::byte> payload = frame.transport().subspan(8);
        std::fill_n(payload.begin(), 4, std::byte{});
        payload[0] = static_cast<std::byte>(type);
        if (type != 3) {
            const auto covered = payload.first(length_bytes - 32);
            const crypto::Mac mac = crypto::keyed_mac(far.tunnels[kTunnel].mac1_key, {covered});
            std::copy(mac.begin(), mac.end(), payload.begin() + std::ssize(covered));
        }
        return frame;
    }
    Exit open_at_far(Frame frame) { return far.open(frame, now); }
};

TEST_F(HandshakeGateTest, PassesEveryTypeOnAsItCame) {
    for (const auto& [type, length] : {std::pair{1, std::size_t{148}}, {2, 92}, {3, 64}}) {
        Frame frame = message(static_cast<std::uint8_t>(type), length);
        const auto payload = frame.transport().subspan(8);
        const std::vector<std::byte> bytes{payload.begin(), payload.end()};
        ASSERT_EQ(open_at_far(std::move(frame)).lane, Lane::absorb);
        ReceivedHandshake received;
        ASSERT_EQ(far.tables->handshakes(0).pop({&received, 1}), 1U);
        EXPECT_EQ(std::vector(received.message().begin(), received.message().end()), bytes);
        EXPECT_EQ(received.tunnel, kTunnel);
        EXPECT_EQ(received.source, endpoint("203.0.113.50:1234"));
        EXPECT_EQ(received.local, ip("198.51.100.1"));
        EXPECT_EQ(received.local_port, kListenPort);
        EXPECT_EQ(received.received_at, now);
        EXPECT_EQ(received.worker, 0);
    }
}

TEST_F(HandshakeGateTest, Number6NoIdentity) {
    far.tunnels.storage[1].has_identity = false;
    EXPECT_EQ(open_at_far(message(1, 148)), (Exit{Lane::drop, DropReason::handshake_no_identity}));
}

TEST_F(HandshakeGateTest, Number7QueueFullLeavesDataAlone) {
    connect();
    std::size_t queued = 0;
    Exit last;
    for (std::size_t sent = 0; sent <= kHandshakeRingEntries; ++sent) {
        now += milliseconds{1};
        last = open_at_far(message(1, 148));
        queued += last.lane == Lane::absorb ? 1 : 0;
    }
    EXPECT_EQ(queued, kHandshakeRingEntries);
    EXPECT_EQ(last, (Exit{Lane::drop, DropReason::handshake_queue_full}));
    EXPECT_EQ(open_at_far(sealed(inner("10.99.1.5", "10.99.2.5"))).lane, Lane::parse);
}

TEST_F(HandshakeGateTest, Number8BadMac1) {
    for (const auto& [type, length] : {std::pair{1, std::size_t{148}}, {2, 92}}) {
        for (const std::size_t changed : {std::size_t{4}, length - 33, length - 32, length - 17}) {
            Frame frame = message(static_cast<std::uint8_t>(type), length);
            frame.transport()[8 + changed] ^= std::byte{0x10};
            EXPECT_EQ(open_at_far(std::move(frame)),
                      (Exit{Lane::drop, DropReason::handshake_bad_mac1}))
                << changed;
        }
        // mac2 is not this gate's business (#11).
        Frame frame = message(static_cast<std::uint8_t>(type), length);
        frame.transport()[8 + length - 1] ^= std::byte{0x10};
        EXPECT_EQ(open_at_far(std::move(frame)).lane, Lane::absorb);
    }
}

// W18: strangers use up their quarter, a peer's endpoint still has the rest.
// Of the source of a peer alone, of its tunnel alone, and not more often than ten times a second.
TEST_F(HandshakeGateTest, Number8BadMac1FromAPeersEndpointIsTold) {
    ASSERT_TRUE(
        far.tables->learn_endpoint(kPeer, endpoint("203.0.113.50:1234"), ip("198.51.100.1"), now));
    static_cast<void>(far.events());
    const auto call = [&](std::string_view source = "203.0.113.50") {
        Frame frame = message(1, 148, source);
        frame.transport()[8 + 148 - 20] ^= std::byte{1};
        ASSERT_EQ(open_at_far(std::move(frame)),
                  (Exit{Lane::drop, DropReason::handshake_bad_mac1}));
    };
    call("203.0.113.51");
    EXPECT_TRUE(far.events().empty()) << "a stranger";
    call();
    call();
    const std::vector<TunnelEvent> told = far.events();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].kind, TunnelEventKind::bad_mac1);
    EXPECT_EQ(told[0].peer, kPeer);
    now += milliseconds{99};
    call();
    EXPECT_TRUE(far.events().empty());
    now += milliseconds{1};
    call();
    EXPECT_EQ(far.events().size(), 1U);
    far.tables->configure_peer(kPeer, {InterfaceId{7}, 0});
    now += milliseconds{100};
    call();
    EXPECT_TRUE(far.events().empty()) << "a peer of another tunnel";
}

TEST_F(HandshakeGateTest, BudgetIsKeptForEndpointsOfPeers) {
    far.add_peer(7, {}, "203.0.113.7:51820");
    std::size_t passed = 0;
    Exit last;
    ReceivedHandshake taken;
    do {
        last = open_at_far(message(3, 64));
        passed += last.lane == Lane::absorb ? far.tables->handshakes(0).pop({&taken, 1}) : 0;
    } while (last.lane == Lane::absorb && passed < 5000);
    EXPECT_EQ(last, (Exit{Lane::drop, DropReason::handshake_budget}));
    EXPECT_EQ(passed, 250U);
    // Before mac1: a bad one is not even looked at.
    Frame bad = message(1, 148);
    bad.transport()[8 + 20] ^= std::byte{1};
    EXPECT_EQ(open_at_far(std::move(bad)), (Exit{Lane::drop, DropReason::handshake_budget}));
    std::size_t known = 0;
    while (open_at_far(message(1, 148, "203.0.113.7", 51820)).lane == Lane::absorb) {
        known += far.tables->handshakes(0).pop({&taken, 1});
    }
    EXPECT_EQ(known, 750U);
    // A tenth of the time that passes.
    now += microseconds{400};
    EXPECT_EQ(open_at_far(message(1, 148)).lane, Lane::absorb);
}

TEST(HandshakeBudgetTest, SpendsATenthOfTheTimeHoweverItPasses) {
    for (const Duration step :
         {Duration{microseconds{1}}, Duration{microseconds{37}}, Duration{milliseconds{3}}}) {
        HandshakeBudget budget;
        Now now{std::chrono::seconds{50}};
        const Now begin = now;
        std::size_t strangers = 0;
        std::size_t known = 0;
        while (now - begin < std::chrono::seconds{1}) {
            while (budget.admit(false, now)) {
                ++strangers;
            }
            while (budget.admit(true, now)) {
                ++known;
            }
            now += step;
        }
        const auto spent = (strangers + known) * HandshakeBudget::kCharge;
        EXPECT_LE(spent, milliseconds{101 + 1}) << step.count();
        EXPECT_GE(spent, milliseconds{90}) << step.count();
        EXPECT_NEAR(static_cast<double>(strangers) / static_cast<double>(strangers + known), 0.25,
                    0.02);
    }
}

TEST_F(HandshakeGateTest, KnowsWhereAPeerIsAndWasNot) {
    const KnownSources& known = far.tables->known_sources();
    EXPECT_TRUE(known.contains(endpoint("192.0.2.1:51820")));
    EXPECT_FALSE(known.contains(endpoint("192.0.2.1:51821")));
    EXPECT_FALSE(known.contains(endpoint("192.0.2.2:51820")));
    connect();
    Frame frame = sealed(inner("10.99.1.5", "10.99.2.5"));
    travel(frame, "203.0.113.9:9999");
    ASSERT_EQ(open_at_far(std::move(frame)).lane, Lane::parse);
    EXPECT_TRUE(known.contains(endpoint("203.0.113.9:9999")));
    EXPECT_FALSE(known.contains(endpoint("192.0.2.1:51820")));
    far.tables->remove_peer(kPeer);
    EXPECT_FALSE(known.contains(endpoint("203.0.113.9:9999")));
}

TEST_F(HandshakeGateTest, KnowsAThousandPeersOfBothFamilies) {
    Box box{{.peers = 1000, .sessions = 64, .prefixes = 8, .workers = 1}};
    const auto where = [](PeerId peer) {
        const auto port = static_cast<std::uint16_t>(1000 + peer);
        return peer % 2 == 0 ? IpEndpoint{ip("203.0.113.1"), Port{port}}
                             : IpEndpoint{ip("2001:db8::7"), Port{port}};
    };
    std::size_t known = 0;
    for (PeerId peer = 0; peer < 1000; ++peer) {
        box.add_peer(peer, {});
        box.tables->apply_configured_endpoint(peer, where(peer), 1, now);
    }
    for (PeerId peer = 0; peer < 1000; ++peer) {
        known += box.tables->known_sources().contains(where(peer)) ? 1 : 0;
        EXPECT_FALSE(box.tables->known_sources().contains(where(peer + 1000)));
    }
    EXPECT_GE(known, 990U);  // a full bucket forgets somebody
}

}  // namespace
}  // namespace towpath::wireguard
