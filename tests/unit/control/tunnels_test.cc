// SPDX-License-Identifier: BSD-3-Clause
// Peers are stated once and changed one by one, handshakes become sessions, and either side may
// begin anew (decisions.md W1, W11, W12).
#include "tests/unit/control/tunnels_fixture.h"

namespace towpath::control {
namespace {

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

TEST_F(TunnelsTest, NothingKeepsAConfigurationThatWasReplaced) {
    auto shared = std::make_shared<const config::Config>(config_);
    const std::weak_ptr<const config::Config> replaced{shared};
    tunnels_->on_config(std::move(shared));
    tunnels_->on_world_applied(running_);
    reload();
    EXPECT_TRUE(replaced.expired());
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
