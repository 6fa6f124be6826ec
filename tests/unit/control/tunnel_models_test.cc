// SPDX-License-Identifier: BSD-3-Clause
// Tunnels and peers as the API shows them: from the configuration, the machines and the data
// plane's rows.
#include "control/tunnels/models.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <set>

#include "config/tunnel_scalar.h"
#include "control/wireguard/cookie.h"
#include "tests/unit/wireguard/seeded_random.h"

namespace towpath::control {
namespace {

using std::chrono::seconds;

config::PublicKeyBytes key_of(std::uint8_t byte) {
    config::PublicKeyBytes key{};
    key.fill(std::byte{byte});
    return key;
}

config::Config one_tunnel() {
    config::Config config;
    config::Tunnel tunnel;
    tunnel.name = "wg0";
    tunnel.private_key = config::SecretKey{key_of(0x11)};
    config::Peer ana;
    ana.name = "ana";
    ana.public_key = key_of(0xAA);
    ana.preshared_key = config::SecretKey{key_of(0x0D)};
    ana.allowed_ips = {*parse_ip_prefix("10.99.0.2/32")};
    config::Peer bo;
    bo.public_key = key_of(0xBB);
    tunnel.peers = {ana, bo};
    config.tunnels = {tunnel};
    return config;
}

// Beside a data plane that had ana before this control was there, and a session of hers.
class TunnelModels : public testing::Test {
protected:
    void SetUp() override {
        tunnels_.on_config(std::make_shared<const config::Config>(config_));
        contract::HelloDataplane hello;
        hello.start_id = 7;
        tell(hello);
        contract::StartSettings running;
        running.port_count = 2;
        running.tunnel_count = 1;
        running.tunnels[0].name.set("wg0");
        running.peers = 8;
        tunnels_.on_world_applied(running);
        tell(rows_of_ana());
        contract::SessionsReply sessions;
        sessions.count = 1;
        sessions.rows[0].peer = 3;
        sessions.rows[0].index = wireguard::IndexAllocator{0, 76}.allocate().value_or(0);
        sessions.rows[0].age_ms = 40'000;
        tell(sessions);
    }

    template <class Message>
    void tell(const Message& message) {
        tunnels_.on_message(contract::Upward::View{&message});
    }

    static contract::PeersReply rows_of_ana() {
        contract::PeersReply reply;
        reply.count = 1;
        contract::PeerRow& row = reply.rows[0];
        row.peer = 3;
        row.tunnel = 2;
        row.public_key = key_of(0xAA);
        row.endpoint = contract::IpEndpointField::of(*parse_ip_endpoint("198.51.100.23:41641"));
        row.receive_bytes = 100;
        row.transmit_bytes = 200;
        row.persistent_keepalive_s = 25;
        return reply;
    }

    config::Config config_ = one_tunnel();
    const wireguard::Moment moment_{Now{seconds{1000}}, {1'795'282'422, 5}};
    wireguard::SeededRandom random_{1};
    Tunnels tunnels_{{.send = [](const Datagram&) {},
                      .log = [](const std::string&) {},
                      .resolve = [](const std::string&, const std::function<void(IpAddress)>&) {},
                      .moment = [this] { return moment_; },
                      .keep = [](wireguard::Timestamp) { return true; }},
                     random_};
};

TEST_F(TunnelModels, APeerIsItsRowItsConfigurationAndItsMachine) {
    const PeerPage page = peer_page(rows_of_ana(), tunnels_, moment_);
    ASSERT_EQ(page.peers.size(), 1U);
    const PeerModel& ana = page.peers[0];
    EXPECT_EQ(ana.tunnel, "wg0");
    EXPECT_EQ(ana.name, "ana");
    EXPECT_EQ(ana.public_key, config::to_base64(key_of(0xAA)));
    EXPECT_TRUE(ana.has_preshared_key);
    EXPECT_EQ(ana.endpoint, "198.51.100.23:41641");
    EXPECT_EQ(ana.allowed_ips, std::vector<std::string>{"10.99.0.2/32"});
    EXPECT_EQ(ana.receive_bytes, 100U);
    EXPECT_EQ(ana.transmit_bytes, 200U);
    EXPECT_EQ(ana.persistent_keepalive_s, 25);
    EXPECT_EQ(ana.state, "up");
    EXPECT_EQ(ana.reason, "");
    // Its handshake was with the control before this one: known by the session's age.
    EXPECT_EQ(ana.handshake_age_s, 40U);
    EXPECT_EQ(ana.handshake_s, 1'795'282'382U);
}

TEST_F(TunnelModels, RowsThatNobodyConfiguredAreLeftOut) {
    contract::PeersReply reply = rows_of_ana();
    reply.next_cursor = 4;
    reply.rows[0].public_key = key_of(0xCC);
    EXPECT_TRUE(peer_page(reply, tunnels_, moment_).peers.empty());
    reply.rows[0].peer = 6;
    EXPECT_TRUE(peer_page(reply, tunnels_, moment_).peers.empty());
    EXPECT_EQ(peer_page(reply, tunnels_, moment_).next_cursor, 4U);
}

TEST_F(TunnelModels, ATunnelCountsItsPeersAndThoseThatAreUp) {
    const std::vector<TunnelModel> models = tunnel_models(config_, tunnels_, moment_.now);
    ASSERT_EQ(models.size(), 1U);
    EXPECT_EQ(models[0].peers, 2U);
    EXPECT_EQ(models[0].peers_up, 1U);
    EXPECT_EQ(models[0].public_key.size(), 44U);
    // Three minutes after its last handshake it is not up.
    EXPECT_EQ(tunnel_models(config_, tunnels_, moment_.now + seconds{140})[0].peers_up, 0U);
    // A tunnel that no data plane has is shown too.
    config_.tunnels.push_back(config_.tunnels[0]);
    config_.tunnels[1].name = "wg1";
    config_.tunnels[1].private_key = {};
    const TunnelModel other = tunnel_models(config_, tunnels_, moment_.now)[1];
    EXPECT_FALSE(other.is_running);
    EXPECT_EQ(other.public_key, "");
    EXPECT_EQ(other.peers, 2U);
}

TEST_F(TunnelModels, KeysAreThoseOfTheConfiguration) {
    const std::vector<TunnelKeysModel> keys = tunnel_keys(config_);
    ASSERT_EQ(keys.size(), 1U);
    EXPECT_EQ(keys[0].private_key, config::to_base64(key_of(0x11)));
    EXPECT_EQ(keys[0].peers[0].preshared_key, config::to_base64(key_of(0x0D)));
    EXPECT_EQ(keys[0].peers[1].preshared_key, "");
}

TEST(PeerReason, EveryStatusButUpHasItsOwnSentence) {
    std::set<std::string> sentences;
    for (std::uint8_t index = 0; index < static_cast<std::uint8_t>(wireguard::PeerStatus::count);
         ++index) {
        wireguard::PeerReport report;
        report.status = static_cast<wireguard::PeerStatus>(index);
        report.initiations = 3;
        sentences.insert(reason_of(report));
    }
    EXPECT_EQ(sentences.size(), static_cast<std::size_t>(wireguard::PeerStatus::count));
    EXPECT_TRUE(sentences.contains(""));
    EXPECT_TRUE(sentences.contains("waits for an answer, try 3 of 20"));
    EXPECT_FALSE(sentences.contains("not known"));
}

// Packets that die here are no firewall's fault: drop reasons seal_no_route and
// seal_endpoint_in_tunnel, and a next hop that is not there.
TEST(PeerReason, WhatIsWrongOnOurSideIsSaid) {
    using contract::EndpointWay;
    wireguard::PeerReport report;
    report.status = wireguard::PeerStatus::waiting;
    EXPECT_EQ(reason_of(report, EndpointWay::no_route), "no route leads to its endpoint");
    report.status = wireguard::PeerStatus::no_answer;
    EXPECT_TRUE(reason_of(report, EndpointWay::open).starts_with("its endpoint does not answer"));
    EXPECT_TRUE(reason_of(report, EndpointWay::in_tunnel).find("into a tunnel") !=
                std::string::npos);
    EXPECT_EQ(reason_of(report, EndpointWay::interface_down),
              "the interface towards its endpoint is down");
    EXPECT_TRUE(reason_of(report, EndpointWay::neighbor_missing).starts_with("the next hop"));
    // Nobody asks for a next hop while nothing is sent.
    report.status = wireguard::PeerStatus::idle;
    EXPECT_EQ(reason_of(report, EndpointWay::neighbor_missing),
              "nothing to send and nothing heard");
    report.status = wireguard::PeerStatus::up;
    EXPECT_EQ(reason_of(report, EndpointWay::no_route), "");
    report.doubt = wireguard::PeerStatus::no_answer;
    report.unanswered = seconds{11};
    EXPECT_TRUE(reason_of(report, EndpointWay::no_route)
                    .starts_with("no answer to handshakes for 11 s: no route leads"));
}

// What calls from where she is, has another key: she has made a new one.
TEST_F(TunnelModels, AStrangerAtAPeersEndpointIsNamedForFiveMinutes) {
    const wireguard::Identity caller{crypto::PrivateKey{key_of(0x31)}};
    const wireguard::Identity own{crypto::PrivateKey{key_of(0x11)}};
    const auto remote = wireguard::Remote::create(caller, own.public_key(), {});
    auto made = wireguard::initiate(caller, *remote, random_.secret<32>(),
                                    wireguard::Timestamp::from_unix(1'795'282'422, 0), 9);
    ASSERT_TRUE(made.has_value());
    wireguard::authenticate(made->message, remote->keys(), std::nullopt);
    contract::HandshakesReceived received;
    received.count = 1;
    received.rows[0].tunnel = 2;
    received.rows[0].length = sizeof made->message;
    received.rows[0].source = rows_of_ana().rows[0].endpoint;
    std::memcpy(received.rows[0].packet.data(), &made->message, sizeof made->message);
    tell(received);
    EXPECT_EQ(peer_page(rows_of_ana(), tunnels_, moment_).peers.at(0).reason,
              "its endpoint calls with another key, which no peer has: " +
                  config::to_base64(caller.public_key()));
    const auto strangers_after = [this](int time_s) {
        return tunnel_models(config_, tunnels_, moment_.now + seconds{time_s})[0].strangers;
    };
    ASSERT_EQ(strangers_after(300).size(), 1U);
    EXPECT_EQ(strangers_after(300)[0].age_s, 300U);
    EXPECT_TRUE(strangers_after(301).empty());
}

TEST_F(TunnelModels, TheWayOfARowIsInItsReason) {
    contract::PeersReply rows = rows_of_ana();
    rows.rows[0].way = contract::EndpointWay::no_route;
    EXPECT_EQ(peer_page(rows, tunnels_, moment_).peers.at(0).reason, "") << "she is up";
}

TEST(PeerReason, OfAPeerThatIsUpItSaysWhatEndsThat) {
    wireguard::PeerReport report;
    report.status = wireguard::PeerStatus::up;
    report.completed_ago = seconds{99};
    report.doubt = wireguard::PeerStatus::no_answer;
    report.unanswered = seconds{15};
    EXPECT_EQ(reason_of(report), "no answer to handshakes for 15 s; its session ends in 81 s");
    report.doubt = wireguard::PeerStatus::stale_timestamp;
    EXPECT_TRUE(reason_of(report).starts_with("the peer's clock went back")) << reason_of(report);
}

}  // namespace
}  // namespace towpath::control
