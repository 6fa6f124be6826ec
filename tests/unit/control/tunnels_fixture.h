// SPDX-License-Identifier: BSD-3-Clause
// Control's tunnels against the real dispatcher, without a socket, and time that a test lets pass.
#pragma once

#include "control/tunnels/tunnels.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/tunnel_scalar.h"
#include "control/reconcile/desired_tunnels.h"
#include "control/wireguard/cookie.h"
#include "dataplane/contract/framing.h"
#include "dataplane/server/dispatch.h"
#include "tests/builders/fake_engine.h"
#include "tests/unit/wireguard/seeded_random.h"

namespace towpath::control {
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

}  // namespace towpath::control
