// SPDX-License-Identifier: BSD-3-Clause
// Alice's and Bob's Devices, who know each other, and time that a test lets pass.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <utility>
#include <vector>

#include "control/wireguard/device.h"
#include "tests/unit/wireguard/seeded_random.h"

namespace towpath::control::wireguard {

using std::chrono::milliseconds;
using std::chrono::seconds;
using towpath::wireguard::CookieReply;
using towpath::wireguard::Initiation;
using towpath::wireguard::Response;

inline constexpr PeerId kAlice = 1;
inline constexpr PeerId kBob = 2;

inline const IpEndpoint kAliceAt = *parse_ip_endpoint("192.0.2.1:51820");
inline const IpEndpoint kBobAt = *parse_ip_endpoint("198.51.100.1:51820");

template <class Kind>
std::vector<const Kind*> all(const ActionList& actions) {
    std::vector<const Kind*> found;
    for (const Action& action : actions) {
        if (const auto* const one = std::get_if<Kind>(&action)) {
            found.push_back(one);
        }
    }
    return found;
}

template <class Message>
Message as(const HandshakePacket& packet) {
    EXPECT_EQ(packet.length_bytes, sizeof(Message));
    Message message;
    std::memcpy(&message, packet.bytes.data(), sizeof message);
    return message;
}

struct End {
    explicit End(std::uint64_t seed)
        : random{seed}, limiter{random}, device{{indices, floor, load, limiter, random}} {}
    SeededRandom random;
    IndexAllocator indices{11, 16};
    SentFloor floor;
    UnderLoad load;
    SourceLimiter limiter;
    Device device;
    ActionList out;
    std::size_t waiting = 1;
};

class DeviceTest : public testing::Test {
protected:
    DeviceTest() {
        alice.device.set_identity(alice.random.secret<32>(), moment, alice.out);
        bob.device.set_identity(bob.random.secret<32>(), moment, bob.out);
        add(alice, kBob, key_of(bob), kBobAt);
        add(bob, kAlice, key_of(alice), kAliceAt);
        alice.out.clear();
        bob.out.clear();
    }

    static const crypto::PublicKey& key_of(End& end) { return end.device.identity()->public_key(); }
    bool add(End& end, PeerId id, const crypto::PublicKey& key, const IpEndpoint& endpoint,
             unsigned preshared = 0) {
        PeerSettings settings;
        settings.id = id;
        settings.public_key = key;
        settings.preshared_key.bytes()[0] = static_cast<std::byte>(preshared);
        settings.endpoint.address = endpoint;
        return end.device.set_peer(std::move(settings), moment, end.out);
    }
    void pass(Duration time) {
        const auto since = (moment.now += time).time_since_epoch();
        const auto whole = std::chrono::duration_cast<seconds>(since);
        moment.unix_time = {1'800'000'000 + static_cast<std::uint64_t>(whole.count()),
                            static_cast<std::uint32_t>((since - whole).count())};
    }
    template <class Message>
    void deliver(End& end, const Message& message, const IpEndpoint& source) {
        const HandshakePacket packet{message};
        end.device.on_handshake({packet.view(), source, kBobAt, 5, moment.now}, end.waiting, moment,
                                end.out);
    }
    // Alice's next initiation.
    Initiation initiation() {
        alice.out.clear();
        alice.device.on_handshake_wanted(kBob, moment, alice.out);
        const auto sent = all<SendHandshake>(alice.out);
        EXPECT_EQ(sent.size(), 1U);
        return as<Initiation>(sent.at(0)->packet);
    }
    // Bob's answer to it.
    Response response(const Initiation& message) {
        bob.out.clear();
        deliver(bob, message, kAliceAt);
        const auto installed = all<InstallSession>(bob.out);
        EXPECT_EQ(installed.size(), 1U);
        return as<Response>(installed.at(0)->packet);
    }
    // Made for Bob by somebody who knows his public key only.
    void authenticate_for(End& end, auto& message) {
        authenticate(message, labelled_keys_of(key_of(end)), std::nullopt);
    }
    // One more of `result`, and nothing done.
    template <class Message>
    void expect_dropped(End& end, const Message& message, HandshakeRole role,
                        HandshakeResult result) {
        const std::uint64_t before = end.device.counters().of(role, result);
        const std::uint32_t in_use = end.indices.in_use();
        end.out.clear();
        deliver(end, message, kAliceAt);
        EXPECT_EQ(end.device.counters().of(role, result), before + 1) << to_string(result);
        EXPECT_TRUE(end.out.empty()) << to_string(result);
        EXPECT_EQ(end.indices.in_use(), in_use);
    }
    void expect_dropped_by_bob(const Initiation& message, HandshakeResult result) {
        expect_dropped(bob, message, HandshakeRole::responder, result);
    }
    void expect_dropped_by_alice(const Response& message, HandshakeResult result) {
        expect_dropped(alice, message, HandshakeRole::initiator, result);
    }
    // Alice's handshake is still alive: the good response completes it.
    void expect_completes(const Response& message) {
        alice.out.clear();
        deliver(alice, message, kBobAt);
        EXPECT_EQ(all<InstallSession>(alice.out).size(), 1U);
    }

    End alice{1};
    End bob{2};
    Moment moment{Now{seconds{1000}}, {1'800'001'000, 0}};
};

}  // namespace towpath::control::wireguard
