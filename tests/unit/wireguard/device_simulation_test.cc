// SPDX-License-Identifier: BSD-3-Clause
// Two Devices over a link that loses, delays and duplicates: sessions come up, are renewed and
// recover (wireguard.md sections 4.6, 6, 9, 15, 20).
#include <gtest/gtest.h>

#include "tests/unit/wireguard/simulated_tunnel.h"

namespace towpath::control::wireguard {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

bool is_type(const LinkPacket& packet, std::byte type) {
    const auto* const handshake = std::get_if<HandshakePacket>(&packet);
    return handshake != nullptr && handshake->bytes[0] == type;
}
constexpr std::byte kInitiation{1};
constexpr std::byte kResponse{2};

std::uint64_t completed(SimulatedEnd& end) {
    return end.count(HandshakeRole::initiator, HandshakeResult::completed);
}

class Simulation : public testing::TestWithParam<std::uint64_t> {
protected:
    SimulatedLink link{GetParam()};
    Now start = link.now();
};
INSTANTIATE_TEST_SUITE_P(Seeds, Simulation, testing::Range<std::uint64_t>(1, 21));

TEST_P(Simulation, OneSideCallsAndBothAreUp) {
    link.introduce();
    link.left.send_data(start);
    link.run_until(start + seconds{1});
    EXPECT_EQ(link.left.status(link.now()), PeerStatus::up);
    EXPECT_EQ(link.right.status(link.now()), PeerStatus::up);
    EXPECT_EQ(link.right.received_data, 1U);
    EXPECT_EQ(link.right.count(HandshakeRole::responder, HandshakeResult::completed), 1U);
}

TEST_P(Simulation, TheResponderNeedsNoEndpoint) {
    link.left.set_peer(link.right.device().identity()->public_key(), link.right.own, 0, start);
    link.right.set_peer(link.left.device().identity()->public_key(), std::nullopt, 0, start);
    link.right.send_data(start);
    EXPECT_EQ(link.right.status(start), PeerStatus::no_endpoint);
    link.left.send_data(start);
    link.run_until(start + seconds{1});
    EXPECT_EQ(link.right.status(link.now()), PeerStatus::up);
    EXPECT_EQ(link.left.received_data, 1U) << "what waited went out";
}

// wireguard.md 4.6: both overwrite their own initiation; the jitter of the timers ends it.
TEST_P(Simulation, SimultaneousInitiationsEndInOneSession) {
    link.latency_min = milliseconds{20};
    link.latency_max = milliseconds{20};
    link.introduce();
    link.left.send_data(start);
    link.right.send_data(start);
    link.run_until(start + seconds{30}, seconds{1});
    EXPECT_EQ(link.left.status(link.now()), PeerStatus::up);
    EXPECT_EQ(link.right.status(link.now()), PeerStatus::up);
    EXPECT_GT(link.left.received_data, 10U);
    EXPECT_GT(link.right.received_data, 10U);
    EXPECT_LE(completed(link.left) + completed(link.right), 4U);
}

TEST_P(Simulation, RecoversFromTheLossOfTheFirstOfAKind) {
    for (const std::byte type : {kInitiation, kResponse, std::byte{0}}) {
        SimulatedLink lossy{GetParam()};
        bool has_lost = false;
        lossy.loses = [&](const LinkPacket& packet, bool) {
            const bool is_it = type == std::byte{0} ? std::holds_alternative<DataPacket>(packet)
                                                    : is_type(packet, type);
            const bool is_lost = is_it && !has_lost;
            has_lost = has_lost || is_it;
            return is_lost;
        };
        lossy.introduce();
        lossy.left.send_data(start);
        lossy.run_until(start + milliseconds{500});
        // Both may have begun anew at the same moment, more than once.
        lossy.run_until(start + seconds{30}, seconds{2});
        EXPECT_TRUE(has_lost);
        EXPECT_EQ(lossy.left.status(lossy.now()), PeerStatus::up) << static_cast<int>(type);
        EXPECT_EQ(lossy.right.status(lossy.now()), PeerStatus::up) << static_cast<int>(type);
        EXPECT_GT(lossy.right.received_data, 0U);
        EXPECT_GT(lossy.left.received_data, 0U);
    }
}

// 20 initiations, about 100 s, then what waits is dropped (wireguard.md 15.3).
TEST_P(Simulation, GivesUpAfterTwentyInitiations) {
    link.introduce();
    std::vector<Now> sent;
    link.loses = [&](const LinkPacket& packet, bool) {
        if (is_type(packet, kInitiation)) {
            sent.push_back(link.now());
        }
        return true;
    };
    link.left.send_data(start);
    EXPECT_EQ(link.left.status(start), PeerStatus::waiting);
    link.run_until(start + seconds{300});
    ASSERT_EQ(sent.size(), 20U);
    for (std::size_t i = 1; i < sent.size(); ++i) {
        EXPECT_GE(sent[i] - sent[i - 1], seconds{5});
        EXPECT_LE(sent[i] - sent[i - 1], milliseconds{5333});
    }
    EXPECT_EQ(link.left.dropped_staged, 1U);
    EXPECT_EQ(link.left.status(link.now()), PeerStatus::no_answer);
    EXPECT_EQ(link.left.count(HandshakeRole::initiator, HandshakeResult::gave_up), 1U);
    link.loses = nullptr;
    link.left.send_data(link.now());
    link.run_until(link.now() + seconds{1});
    EXPECT_EQ(link.left.status(link.now()), PeerStatus::up);
}

// 50 renewals with 1 % loss: only the initiator renews, no second is without a session for long.
TEST_P(Simulation, RenewsFiftyTimes) {
    link.introduce();
    link.loses = [this](const LinkPacket&, bool) { return link.chance() < 0.01; };
    Duration longest{0};
    link.run_until(start + seconds{30}, seconds{1});
    const Now end = start + seconds{50 * 121};
    while (link.now() < end) {
        link.run_until(link.now() + seconds{1}, seconds{1});
        longest = std::max(
            {longest, link.now() - *link.left.received_at, link.now() - *link.right.received_at});
    }
    const std::uint64_t sessions = completed(link.left) + completed(link.right);
    EXPECT_GE(sessions, 48U);
    EXPECT_LE(sessions, 75U) << "renewed more often than sessions grow old";
    EXPECT_LE(longest, seconds{20});
    EXPECT_GT(link.left.received_data, 50U * 121U * 95U / 100U);
    EXPECT_LE(link.left.indices().in_use(), 4U);
    EXPECT_LE(link.right.indices().in_use(), 4U);
}

// wireguard.md section 6 and 20: neither the sender's nor the receiver's clock stops renewals.
TEST_P(Simulation, AClockThatIsSetBackADayStopsNothing) {
    link.introduce();
    link.run_until(start + seconds{60}, seconds{1});
    link.left.clock_offset -= hours{24};
    link.run_until(start + seconds{400}, seconds{1});
    link.right.clock_offset -= hours{24};
    link.run_until(start + seconds{1000}, seconds{1});
    EXPECT_LT(link.now() - *link.left.received_at, seconds{3});
    EXPECT_LT(link.now() - *link.right.received_at, seconds{3});
    EXPECT_EQ(link.left.count(HandshakeRole::responder, HandshakeResult::stale_timestamp), 0U);
    EXPECT_EQ(link.right.count(HandshakeRole::responder, HandshakeResult::stale_timestamp), 0U);
    EXPECT_GE(completed(link.left) + completed(link.right), 7U);
}

// A machine without a clock: 1970 again after a restart. Without the floor on disk its peer refuses
// it and says why; with it, it is welcome (decisions.md W20).
TEST_P(Simulation, ARestartInThePastNeedsTheFloor) {
    for (const bool has_floor : {false, true}) {
        SimulatedLink pair{GetParam()};
        pair.introduce();
        pair.left.send_data(start);
        pair.run_until(start + seconds{10});
        ASSERT_EQ(pair.right.status(pair.now()), PeerStatus::up);
        pair.run_until(start + seconds{200});
        const Timestamp kept = pair.left.sent_floor().greatest();
        pair.left.clock_offset -= hours{24};
        pair.left.restart(GetParam() + 500, has_floor ? kept : Timestamp{});
        pair.left.set_identity(GetParam() * 2 + 101, pair.now());
        pair.left.set_peer(pair.right.device().identity()->public_key(), pair.right.own, 0,
                           pair.now());
        pair.left.send_data(pair.now());
        pair.run_until(pair.now() + seconds{1});
        EXPECT_EQ(pair.left.status(pair.now()), has_floor ? PeerStatus::up : PeerStatus::waiting);
        EXPECT_EQ(pair.right.status(pair.now()),
                  has_floor ? PeerStatus::up : PeerStatus::stale_timestamp);
    }
}

TEST_P(Simulation, AnotherPresharedKeyIsNamedAndCured) {
    link.introduce();
    link.left.set_peer(link.right.device().identity()->public_key(), link.right.own, 1, start);
    link.left.send_data(start);
    link.run_until(start + seconds{12});
    EXPECT_EQ(link.left.status(link.now()), PeerStatus::bad_response);
    EXPECT_EQ(completed(link.left), 0U);
    EXPECT_EQ(link.right.received_data, 0U);
    link.right.set_peer(link.left.device().identity()->public_key(), link.left.own, 1, link.now());
    link.run_until(link.now() + seconds{7});
    EXPECT_EQ(link.left.status(link.now()), PeerStatus::up);
    EXPECT_EQ(link.right.status(link.now()), PeerStatus::up);
    EXPECT_EQ(link.right.received_data, 1U);
}

// A new private key: old sessions only receive, the 5 s limit is forgotten (wireguard.md 16).
TEST_P(Simulation, ANewIdentityTakesOverAtOnce) {
    link.introduce();
    link.run_until(start + seconds{20}, seconds{1});
    link.left.set_identity(GetParam() + 900, link.now());
    link.right.set_peer(link.left.device().identity()->public_key(), link.left.own, 0, link.now());
    const std::uint64_t before = link.right.received_data;
    link.left.send_data(link.now());
    link.run_until(link.now() + seconds{1});
    EXPECT_EQ(link.left.status(link.now()), PeerStatus::up);
    EXPECT_GT(link.right.received_data, before);
}

// Idle for longer than a session lives: keys go after 540 s, indices with them.
TEST_P(Simulation, AnIdlePairHoldsNothing) {
    link.introduce();
    link.run_until(start + seconds{10}, seconds{1});
    EXPECT_GT(link.left.indices().in_use(), 0U);
    link.run_until(link.now() + seconds{600});
    EXPECT_EQ(link.left.indices().in_use(), 0U);
    EXPECT_EQ(link.right.indices().in_use(), 0U);
    EXPECT_EQ(link.left.status(link.now()), PeerStatus::idle);
    EXPECT_FALSE(link.left.device().next_wake());
}

// Every message answered with a cookie first (wireguard.md 5, 8).
TEST_P(Simulation, ALoadedResponderIsReachedWithACookie) {
    link.introduce();
    link.right.waiting = 600;
    link.left.send_data(start);
    link.run_until(start + seconds{1});
    EXPECT_EQ(link.left.status(link.now()), PeerStatus::remote_loaded);
    EXPECT_EQ(link.right.count(HandshakeRole::responder, HandshakeResult::cookie_sent), 1U);
    EXPECT_EQ(link.left.count(HandshakeRole::initiator, HandshakeResult::cookie_received), 1U);
    link.run_until(start + seconds{7});
    EXPECT_EQ(link.left.status(link.now()), PeerStatus::up);
    EXPECT_EQ(link.right.status(link.now()), PeerStatus::up);
}

}  // namespace
}  // namespace towpath::control::wireguard
