// SPDX-License-Identifier: BSD-3-Clause
// Control's tunnels against the real dispatcher, without a socket: peers are stated once and
// changed one by one, handshakes become sessions, and either side may begin anew (decisions.md W1,
// W11, W12).
#include "control/tunnels/tunnels.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <memory>

#include "control/reconcile/desired_tunnels.h"
#include "control/wireguard/cookie.h"
#include "dataplane/contract/framing.h"
#include "dataplane/server/dispatch.h"
#include "tests/builders/fake_engine.h"
#include "tests/unit/wireguard/seeded_random.h"

namespace towpath::control {
namespace {

using namespace contract;

// A data plane process.
struct Process {
    explicit Process(std::uint64_t start_id) : dispatcher{{"test", start_id}, engine} {}
    server::FakeEngine engine;
    server::Dispatcher dispatcher;
    server::Client client;
    [[nodiscard]] server::FakeTunnelEngine& tunnels() { return engine.fake_tunnels; }
};

class TunnelsTest : public ::testing::Test {
protected:
    TunnelsTest() {
        config_.tunnels.resize(1);
        config_.tunnels[0].name = "wg0";
        config_.tunnels[0].private_key = secret(1);
        add_peer(2, "10.99.0.2/32", "192.0.2.77");
        add_peer(3, "10.99.0.3/32", nullptr);
        begin(100);
    }
    static config::SecretKey secret(std::uint8_t seed) {
        std::array<std::byte, 32> bytes{};
        bytes.fill(std::byte{seed});
        return config::SecretKey{bytes};
    }
    // The identity of the peer that has this seed.
    static wireguard::Identity identity(std::uint8_t seed) {
        return wireguard::Identity{crypto::PrivateKey{secret(seed).bytes()}};
    }
    void add_peer(std::uint8_t seed, const char* allowed, const char* endpoint) {
        config::Peer peer;
        peer.public_key = identity(seed).public_key();
        peer.allowed_ips = {*parse_ip_prefix(allowed)};
        if (endpoint != nullptr) {
            peer.endpoint = {"", *parse_ip_address(endpoint), 51820};
        }
        config_.tunnels[0].peers.push_back(peer);
    }

    // A new data plane, started and programmed.
    void begin(std::uint64_t start_id) {
        process_ = std::make_unique<Process>(start_id);
        tunnels_->on_config(std::make_shared<const config::Config>(config_));
        greet();
    }
    void greet() {
        deliver(HelloControl{});
        Start start;
        start.settings.port_count = 1;
        add_tunnels(config_, start.settings);
        deliver(start);
        tunnels_->on_world_applied(start.settings);
        running_ = start.settings;
    }
    void reload() {
        tunnels_->on_config(std::make_shared<const config::Config>(config_));
        tunnels_->on_world_applied(running_);
    }
    template <class M>
    void deliver(const M& message) {
        const auto bytes = bytes_of(message);
        deliver_bytes({bytes.begin(), bytes.end()});
    }
    void deliver_bytes(Datagram datagram) {
        auto buffer = std::make_unique<MessageBuffer>();
        std::memcpy(buffer->bytes.data(), datagram.data(), datagram.size());
        process_->dispatcher.handle(process_->client,
                                    std::span{buffer->bytes}.first(datagram.size()), answers());
    }
    server::Send answers() {
        return [this](std::span<const std::byte> bytes) {
            auto copy = std::make_unique<MessageBuffer>();
            std::memcpy(copy->bytes.data(), bytes.data(), bytes.size());
            const auto message = decode_upward(std::span{copy->bytes}.first(bytes.size()));
            ASSERT_TRUE(message.has_value());
            tunnels_->on_message(*message);
        };
    }
    // Something waits for the peer with an endpoint, so it is called; what follows in control's
    // loop is done.
    void wait_for_the_first_peer() {
        const std::uint32_t number = process_->tunnels().transactions[0].changes[0].set.peer;
        process_->tunnels().events.push_back({number, 0, TunnelEventKind::handshake_wanted, {}});
        const std::size_t before = process_->tunnels().sent.size();
        push();
        ASSERT_EQ(process_->tunnels().sent.size(), before + 1);
        tunnels_->on_wake();
    }
    void pass(std::chrono::seconds time) {
        now_ += time;
        seconds_ += static_cast<std::uint64_t>(time.count());
    }
    void push() { process_->dispatcher.push(process_->client, answers()); }

    static PeerRow row_of(const PeerSet& set, const char* endpoint) {
        PeerRow row;
        row.peer = set.peer;
        row.tunnel = set.tunnel;
        row.public_key = set.public_key;
        row.endpoint = IpEndpointField::of(*parse_ip_endpoint(endpoint));
        return row;
    }
    // The peer with this seed calls, from there.
    void call(std::uint8_t seed, const char* from) {
        const wireguard::Identity caller = identity(seed);
        const auto remote = wireguard::Remote::create(caller, identity(1).public_key(), {});
        auto made = wireguard::initiate(caller, *remote, random_.secret<32>(),
                                        wireguard::Timestamp::from_unix(++seconds_, 0), 0x77);
        ASSERT_TRUE(made.has_value());
        wireguard::authenticate(made->message, remote->keys(), std::nullopt);
        HandshakeRow row;
        row.tunnel = 1;
        row.length = sizeof made->message;
        row.source = IpEndpointField::of(*parse_ip_endpoint(from));
        row.local = IpEndpointField::of(*parse_ip_endpoint("192.0.2.10:51820"));
        std::memcpy(row.packet.data(), &made->message, sizeof made->message);
        process_->tunnels().handshakes.push_back(row);
        push();
        now_ += std::chrono::seconds{1};
    }

    config::Config config_;
    StartSettings running_;
    wireguard::SeededRandom random_{1};
    Now now_{std::chrono::seconds{1000}};
    std::uint64_t seconds_ = 1'700'000'000;
    std::vector<std::string> log_;
    wireguard::Timestamp kept_;  // what outlives control
    int times_kept_ = 0;
    bool can_keep_ = true;
    std::unique_ptr<Process> process_;
    std::unique_ptr<Tunnels> tunnels_ = make_tunnels();

private:
    std::unique_ptr<Tunnels> make_tunnels() {
        return std::make_unique<Tunnels>(
            TunnelIo{.send = [this](Datagram datagram) { deliver_bytes(std::move(datagram)); },
                     .log = [this](const std::string& text) { log_.push_back(text); },
                     .resolve = [](const std::string&, const std::function<void(IpAddress)>&) {},
                     .moment =
                         [this] {
                             return wireguard::Moment{now_, {seconds_, 0}};
                         },
                     .keep =
                         [this](wireguard::Timestamp sent) {
                             ++times_kept_;
                             kept_ = can_keep_ ? sent : kept_;
                             return can_keep_;
                         }},
            random_, kept_);
    }

protected:
    void begin_control_anew() {
        process_->client = {};
        tunnels_ = make_tunnels();
        tunnels_->on_config(std::make_shared<const config::Config>(config_));
        greet();
    }
};

TEST_F(TunnelsTest, StatesAllPeersToADataPlaneThatHasNone) {
    ASSERT_EQ(process_->tunnels().transactions.size(), 1U);
    const server::PeersTransaction& whole = process_->tunnels().transactions[0];
    EXPECT_TRUE(whole.is_whole);
    ASSERT_EQ(whole.changes.size(), 2U);
    EXPECT_EQ(whole.changes[0].set.public_key, identity(2).public_key());
    EXPECT_EQ(to_string(whole.changes[0].set.endpoint.endpoint()), "192.0.2.77:51820");
    EXPECT_NE(whole.changes[0].set.endpoint_generation, 0U);
    EXPECT_TRUE(whole.changes[1].set.endpoint.endpoint().is_none());
    EXPECT_EQ(to_string(whole.changes[1].allowed_ips.at(0)), "10.99.0.3/32");
    EXPECT_TRUE(tunnels_->is_running());
}

TEST_F(TunnelsTest, OnePeerChangesAlone) {
    config_.tunnels[0].peers[1].allowed_ips.push_back(*parse_ip_prefix("2001:db8::/64"));
    reload();
    ASSERT_EQ(process_->tunnels().transactions.size(), 2U);
    const server::PeersTransaction& change = process_->tunnels().transactions[1];
    EXPECT_FALSE(change.is_whole);
    ASSERT_EQ(change.changes.size(), 1U);
    EXPECT_EQ(change.changes[0].set.public_key, identity(3).public_key());
    EXPECT_EQ(change.changes[0].allowed_ips.size(), 2U);
}

TEST_F(TunnelsTest, APeerThatIsGoneIsRemovedAndItsNumberComesLast) {
    const std::uint32_t number = process_->tunnels().transactions[0].changes[0].set.peer;
    config_.tunnels[0].peers.erase(config_.tunnels[0].peers.begin());
    reload();
    const server::PeersTransaction& removal = process_->tunnels().transactions.back();
    ASSERT_EQ(removal.changes.size(), 1U);
    EXPECT_EQ(removal.changes[0].set.is_removed, 1);
    EXPECT_EQ(removal.changes[0].set.peer, number);
    add_peer(4, "10.99.0.4/32", nullptr);
    reload();
    EXPECT_NE(process_->tunnels().transactions.back().changes.at(0).set.peer, number);
}

TEST_F(TunnelsTest, ACallBecomesASession) {
    call(3, "198.51.100.9:4000");
    ASSERT_EQ(process_->tunnels().installed.size(), 1U);
    const SessionInstall& session = process_->tunnels().installed[0];
    EXPECT_EQ(session.peer, process_->tunnels().transactions[0].changes[1].set.peer);
    EXPECT_EQ(session.is_initiator, 0);
    EXPECT_EQ(session.remote_index, 0x77U);
    EXPECT_EQ(session.packet_length, sizeof(towpath::wireguard::Response));
    EXPECT_EQ(to_string(session.remote.endpoint()), "198.51.100.9:4000");
    EXPECT_NE(session.send_key, session.receive_key);
}

TEST_F(TunnelsTest, WhatWaitsIsCalledFor) {
    const std::uint32_t number = process_->tunnels().transactions[0].changes[0].set.peer;
    process_->tunnels().events.push_back({number, 0, TunnelEventKind::handshake_wanted, {}});
    push();
    ASSERT_EQ(process_->tunnels().sent.size(), 1U);
    EXPECT_EQ(process_->tunnels().sent[0].peer, number);
    EXPECT_EQ(process_->tunnels().sent[0].length, sizeof(towpath::wireguard::Initiation));
    EXPECT_EQ(process_->tunnels().sent[0].dscp_and_ecn, 0x88);  // AF41, wireguard.md 2.5
}

// decisions.md W20: so often that the margin above the floor covers what was sent since.
TEST_F(TunnelsTest, TheGreatestTimestampIsKeptAtOnceAndThenHourly) {
    const auto stamp = [this] { return wireguard::Timestamp::from_unix(seconds_, 0); };
    tunnels_->on_wake();
    EXPECT_EQ(times_kept_, 0) << "nothing was sent";
    wait_for_the_first_peer();
    EXPECT_EQ(kept_, stamp());
    pass(std::chrono::minutes{58});
    wait_for_the_first_peer();
    EXPECT_EQ(times_kept_, 1);
    pass(std::chrono::minutes{1});
    wait_for_the_first_peer();
    EXPECT_EQ(times_kept_, 2);
    EXPECT_EQ(kept_, stamp());
    pass(std::chrono::minutes{5});
    wait_for_the_first_peer();
    EXPECT_EQ(times_kept_, 2);
    tunnels_->on_end();
    EXPECT_EQ(kept_, stamp());
    tunnels_->on_end();
    EXPECT_EQ(times_kept_, 3) << "it is there already";
}

TEST_F(TunnelsTest, WhatCouldNotBeKeptIsTriedAgainLater) {
    can_keep_ = false;
    wait_for_the_first_peer();
    EXPECT_EQ(times_kept_, 1);
    pass(std::chrono::minutes{9});
    tunnels_->on_wake();
    EXPECT_EQ(times_kept_, 1);
    can_keep_ = true;
    pass(std::chrono::minutes{1});
    tunnels_->on_wake();
    EXPECT_FALSE(kept_.is_never());
}

// A day back: the peer has seen all up to an hour after what is on disk.
TEST_F(TunnelsTest, AClockThatWentBackOverARestartDoesNotMakeStampsSmaller) {
    wait_for_the_first_peer();
    const wireguard::Timestamp before = kept_;
    seconds_ -= 24 * 3600;
    process_ = std::make_unique<Process>(101);
    begin_control_anew();
    wait_for_the_first_peer();
    EXPECT_EQ(kept_, before.plus_seconds(3600));
}

TEST_F(TunnelsTest, ANewDataPlaneIsToldWhereCallersWere) {
    call(3, "198.51.100.9:4000");
    tunnels_->on_closed();
    process_ = std::make_unique<Process>(101);
    greet();
    ASSERT_EQ(process_->tunnels().transactions.size(), 1U);
    const server::PeersTransaction& whole = process_->tunnels().transactions[0];
    EXPECT_TRUE(whole.is_whole);
    ASSERT_EQ(whole.changes.size(), 2U);
    EXPECT_EQ(to_string(whole.changes[1].set.endpoint.endpoint()), "198.51.100.9:4000");
    // It has no session, so both peers are called at once.
    now_ += std::chrono::seconds{1};
    tunnels_->on_wake();
    EXPECT_EQ(process_->tunnels().sent.size(), 2U);
}

TEST_F(TunnelsTest, ANewControlGoesOnFromWhatTheDataPlaneHas) {
    call(3, "198.51.100.9:4000");
    const SessionInstall session = process_->tunnels().installed[0];
    const PeerSet known = process_->tunnels().transactions[0].changes[1].set;
    PeerRow peer;
    peer.peer = known.peer;
    peer.tunnel = known.tunnel;
    peer.public_key = known.public_key;
    peer.timestamp = session.timestamp;
    process_->tunnels().peer_rows = {peer};
    SessionRow row;
    row.index = session.index;
    row.peer = session.peer;
    process_->tunnels().session_rows = {row};
    process_->tunnels().transactions.clear();
    begin_control_anew();
    ASSERT_EQ(process_->tunnels().transactions.size(), 1U);
    EXPECT_EQ(process_->tunnels().transactions[0].changes[0].set.public_key, known.public_key);
    EXPECT_EQ(process_->tunnels().transactions[0].changes[0].set.peer, known.peer);
    // Nobody is called, because nothing was lost; and a replay of the old call is still refused.
    now_ += std::chrono::seconds{1};
    tunnels_->on_wake();
    EXPECT_TRUE(process_->tunnels().sent.empty());
    --seconds_;
    call(3, "198.51.100.9:4000");
    EXPECT_EQ(process_->tunnels().installed.size(), 1U);
    // A new call gets another index than the session that was adopted.
    ++seconds_;
    call(3, "198.51.100.9:4000");
    ASSERT_EQ(process_->tunnels().installed.size(), 2U);
    EXPECT_NE(process_->tunnels().installed[1].index, session.index);
}

// Where a peer without a configured endpoint is, only the data plane knows after control is new.
TEST_F(TunnelsTest, WhatWasAdoptedIsToldToTheNextDataPlane) {
    call(3, "198.51.100.9:4000");
    const PeerSet known = process_->tunnels().transactions[0].changes[1].set;
    process_->tunnels().peer_rows = {row_of(known, "198.51.100.9:4000")};
    begin_control_anew();
    tunnels_->on_closed();
    process_ = std::make_unique<Process>(101);
    greet();
    ASSERT_EQ(process_->tunnels().transactions.size(), 1U);
    ASSERT_EQ(process_->tunnels().transactions[0].changes.size(), 2U);
    const PeerSet& stated = process_->tunnels().transactions[0].changes[0].set;
    EXPECT_EQ(stated.public_key, known.public_key);
    EXPECT_EQ(to_string(stated.endpoint.endpoint()), "198.51.100.9:4000");
    now_ += std::chrono::seconds{1};
    tunnels_->on_wake();
    EXPECT_EQ(process_->tunnels().sent.size(), 2U);
}

// Packets move an endpoint without a handshake, so control asks; two rows to a page here.
TEST_F(TunnelsTest, ANewDataPlaneIsToldWherePeersHaveRoamedTo) {
    call(3, "198.51.100.9:4000");
    const std::vector<server::PeerChange> changes = process_->tunnels().transactions[0].changes;
    PeerSet other = changes[0].set;
    other.peer = 17;
    process_->tunnels().peer_rows = {row_of(changes[0].set, "192.0.2.77:51820"),
                                     row_of(other, "203.0.113.1:1"),
                                     row_of(changes[1].set, "203.0.113.5:4001")};
    for (int second = 0; second < 2; ++second) {
        now_ += std::chrono::seconds{1};
        tunnels_->on_wake();
    }
    tunnels_->on_closed();
    process_ = std::make_unique<Process>(101);
    greet();
    const PeerSet& stated = process_->tunnels().transactions.at(0).changes.at(1).set;
    EXPECT_EQ(stated.public_key, changes[1].set.public_key);
    EXPECT_EQ(to_string(stated.endpoint.endpoint()), "203.0.113.5:4001");
}

TEST_F(TunnelsTest, ARefusalIsSaidAndForgotten) {
    process_->tunnels().failure = {ExitCode::failed, "no room"};
    call(3, "198.51.100.9:4000");
    ASSERT_EQ(log_.size(), 1U);
    EXPECT_NE(log_[0].find("no room"), std::string::npos);
    process_->tunnels().failure = {ExitCode::ok, {}};
    call(3, "198.51.100.9:4000");
    EXPECT_EQ(process_->tunnels().installed.size(), 1U);
}

}  // namespace
}  // namespace towpath::control
