// SPDX-License-Identifier: BSD-3-Clause
// The text protocol of the standard tool (wireguard.md 16.1): what it may ask, what it is told, and
// what a request does to a configuration.
#include <gtest/gtest.h>

#include <cerrno>

#include "config/tunnel_scalar.h"
#include "control/uapi/apply.h"
#include "control/wireguard/identity.h"

namespace towpath::control::uapi {
namespace {

std::array<std::byte, 32> key_of(std::uint8_t byte) {
    std::array<std::byte, 32> key{};
    key.fill(std::byte{byte});
    return key;
}

std::string hex_of(const std::string& two_digits) {
    std::string text;
    for (int index = 0; index < 32; ++index) {
        text += two_digits;
    }
    return text;
}

IpPrefix prefix(std::string_view text) {
    return *parse_ip_prefix(text);
}

config::Config one_tunnel() {
    config::Config config;
    config::Interface lan;
    lan.name = "lan";
    lan.match.name = "lan0";
    lan.addresses = {{Ipv4Address{0x0A4D0101}, {Ipv4Address{0x0A4D0100}, 24}}};
    config.interfaces = {lan};
    config::Tunnel tunnel;
    tunnel.name = "wg0";
    tunnel.private_key = config::SecretKey{key_of(0x11)};
    tunnel.listen_port = 51820;
    config::Peer one;
    one.name = "one";
    one.public_key = key_of(0xAA);
    one.allowed_ips = {prefix("10.99.0.2/32")};
    config::Peer two;
    two.public_key = key_of(0xBB);
    two.allowed_ips = {prefix("10.99.0.3/32"), prefix("2001:db8:99::3/128")};
    tunnel.peers = {one, two};
    config.tunnels = {tunnel};
    return config;
}

const std::string kOne = "public_key=" + hex_of("aa") + "\n";
const std::string kTwo = "public_key=" + hex_of("bb") + "\n";
const std::string kThree = "public_key=" + hex_of("cc") + "\n";

Refusal refusal_of(const std::string& text) {
    const Request request = parse(text);
    const auto* const refusal = std::get_if<Refusal>(&request);
    return refusal == nullptr ? Refusal::none : *refusal;
}

Refusal carry_out(const std::string& lines, config::Config& config) {
    const Request request = parse("set=1\n" + lines);
    const auto* const change = std::get_if<TunnelChange>(&request);
    return change == nullptr ? refusal_of("set=1\n" + lines) : apply(*change, "wg0", config);
}

TEST(UapiProtocol, RefusalsHaveTheNumbersOfTheTool) {
    EXPECT_EQ(answer(Refusal::none), "errno=0\n\n");
    EXPECT_EQ(error_number(Refusal::invalid), -22);
    EXPECT_EQ(error_number(Refusal::protocol), -71);
    EXPECT_EQ(error_number(Refusal::address_in_use), -98);
    EXPECT_EQ(answer(Refusal::input_output), "errno=-5\n\n");
}

TEST(UapiProtocol, MalformedLinesAreProtocolErrors) {
    for (const std::string text : {"", "get=2\n", "get=1\nlisten_port=1\n", "set=1\nlisten_port\n",
                                   "set=1\n=5\n", "listen_port=5\n"}) {
        EXPECT_EQ(refusal_of(text), Refusal::protocol) << text;
    }
    EXPECT_TRUE(std::holds_alternative<Get>(parse("get=1\n")));
    EXPECT_TRUE(std::holds_alternative<TunnelChange>(parse("set=1\n")));
}

TEST(UapiProtocol, UnknownKeysAndBadValuesAreInvalid) {
    const std::string short_key = "public_key=" + hex_of("aa").substr(2) + "\n";
    for (const std::string& lines : {
             std::string{"colour=red\n"},
             std::string{"listen_port=65536\n"},
             std::string{"listen_port=\n"},
             std::string{"listen_port=5x\n"},
             std::string{"fwmark=0xg\n"},
             std::string{"replace_peers=false\n"},
             "private_key=" + hex_of("zz") + "\n",
             short_key,
             std::string{"endpoint=192.0.2.7:51820\n"},  // of no peer
             kOne + "listen_port=1\n",                   // after one
             kOne + "endpoint=vpn.example.org:51820\n",
             kOne + "endpoint=192.0.2.7:0\n",
             kOne + "persistent_keepalive_interval=65536\n",
             kOne + "allowed_ip=10.0.0.0/33\n",
             kOne + "allowed_ip=--10.0.0.0/8\n",
             kOne + "protocol_version=2\n",
             kOne + "remove=1\n",
         }) {
        EXPECT_EQ(refusal_of("set=1\n" + lines), Refusal::invalid) << lines;
    }
}

TEST(UapiProtocol, GetPrintsEveryKeyOfTheToolInHexadecimal) {
    config::Config config = one_tunnel();
    config.tunnels[0].peers.resize(1);
    config.tunnels[0].peers[0].persistent_keepalive = std::chrono::seconds{25};
    PeerModel peer;
    peer.public_key = config::to_base64(key_of(0xAA));
    peer.endpoint = "[2001:db8::7]:51820";
    peer.handshake_s = 1'795'282'422;
    peer.handshake_nanoseconds = 7;
    peer.receive_bytes = 10;
    peer.transmit_bytes = 20;
    EXPECT_EQ(answer(config.tunnels[0], {peer}), "private_key=" + hex_of("11") +
                                                     "\nlisten_port=51820\n" + kOne +
                                                     "preshared_key=" + hex_of("00") +
                                                     "\nprotocol_version=1\n"
                                                     "endpoint=[2001:db8::7]:51820\n"
                                                     "last_handshake_time_sec=1795282422\n"
                                                     "last_handshake_time_nsec=7\n"
                                                     "tx_bytes=20\n"
                                                     "rx_bytes=10\n"
                                                     "persistent_keepalive_interval=25\n"
                                                     "allowed_ip=10.99.0.2/32\n"
                                                     "errno=0\n\n");
    // A data plane that does not answer: the configuration is still shown.
    EXPECT_NE(answer(config.tunnels[0], {}).find("rx_bytes=0\n"), std::string::npos);
}

TEST(UapiApply, APeerIsAddedChangedAndRemoved) {
    config::Config config = one_tunnel();
    const auto peers = [&config] { return config.tunnels[0].peers; };
    ASSERT_EQ(carry_out(kThree + "preshared_key=" + hex_of("0d") +
                            "\nendpoint=198.51.100.7:51820\npersistent_keepalive_interval=25\n"
                            "allowed_ip=10.99.7.9/24\n" +
                            kOne + "remove=true\n",
                        config),
              Refusal::none);
    ASSERT_EQ(peers().size(), 2U);
    EXPECT_EQ(peers()[0].public_key, key_of(0xBB));
    EXPECT_EQ(peers()[1].public_key, key_of(0xCC));
    EXPECT_EQ(peers()[1].endpoint->port, 51820);
    EXPECT_EQ(peers()[1].persistent_keepalive.count(), 25);
    EXPECT_EQ(peers()[1].preshared_key, config::SecretKey{key_of(0x0D)});
    EXPECT_EQ(peers()[1].allowed_ips, std::vector{prefix("10.99.7.0/24")});
    // Zeros clear the key, and nothing else changes.
    ASSERT_EQ(carry_out(kThree + "preshared_key=" + hex_of("00") + "\n", config), Refusal::none);
    EXPECT_TRUE(peers()[1].preshared_key.is_zero());
    EXPECT_EQ(peers()[1].allowed_ips.size(), 1U);
}

// W12, wireguard.md 18.3.
TEST(UapiApply, APrefixMovesBetweenPeers) {
    config::Config config = one_tunnel();
    const auto peers = [&config] { return config.tunnels[0].peers; };
    ASSERT_EQ(carry_out(kOne + "allowed_ip=10.99.0.3/32\n", config), Refusal::none);
    EXPECT_EQ(peers()[0].allowed_ips.size(), 2U);
    EXPECT_EQ(peers()[1].allowed_ips, std::vector{prefix("2001:db8:99::3/128")});
    // A minus takes away only what the peer has.
    ASSERT_EQ(carry_out(kTwo + "allowed_ip=-10.99.0.3/32\n", config), Refusal::none);
    EXPECT_EQ(peers()[0].allowed_ips.size(), 2U);
    ASSERT_EQ(carry_out(kOne + "allowed_ip=-10.99.0.3/32\n", config), Refusal::none);
    EXPECT_EQ(peers()[0].allowed_ips, std::vector{prefix("10.99.0.2/32")});
    ASSERT_EQ(carry_out(kTwo + "replace_allowed_ips=true\nallowed_ip=10.99.0.3/32\n", config),
              Refusal::none);
    EXPECT_EQ(peers()[1].allowed_ips, std::vector{prefix("10.99.0.3/32")});
}

TEST(UapiApply, UpdateOnlyMakesNoPeerAndReplaceKeepsNames) {
    config::Config config = one_tunnel();
    const auto peers = [&config] { return config.tunnels[0].peers; };
    ASSERT_EQ(carry_out(kThree + "update_only=true\nallowed_ip=10.9.0.0/16\n", config),
              Refusal::none);
    EXPECT_EQ(peers().size(), 2U);
    ASSERT_EQ(carry_out("replace_peers=true\n" + kOne, config), Refusal::none);
    ASSERT_EQ(peers().size(), 1U);
    EXPECT_EQ(peers()[0].name, "one");
    EXPECT_TRUE(peers()[0].allowed_ips.empty());
}

// W13: nothing would track it.
TEST(UapiApply, AStatefulTunnelGetsNoIpv6) {
    config::Config config = one_tunnel();
    config.tunnels[0].peers[1].allowed_ips.pop_back();
    config.tunnels[0].is_stateful = true;
    EXPECT_EQ(carry_out(kOne + "allowed_ip=2001:db8:99::2/128\n", config), Refusal::invalid);
    EXPECT_EQ(carry_out(kOne + "allowed_ip=10.99.0.9/32\n", config), Refusal::none);
    config.tunnels[0].is_stateful = false;
    EXPECT_EQ(carry_out(kOne + "allowed_ip=2001:db8:99::2/128\n", config), Refusal::none);
}

TEST(UapiApply, OurOwnKeyIsNoPeer) {
    config::Config config = one_tunnel();
    const wireguard::Identity identity{crypto::PrivateKey{key_of(0x22)}};
    config.tunnels[0].peers[1].public_key = identity.public_key();
    ASSERT_EQ(carry_out("private_key=" + hex_of("22") + "\n" + kThree, config), Refusal::none);
    const auto peers = [&config] { return config.tunnels[0].peers; };
    ASSERT_EQ(peers().size(), 2U);
    EXPECT_EQ(peers()[1].public_key, key_of(0xCC));
}

TEST(UapiApply, PortsAndKeysOfTheTunnel) {
    config::Config config = one_tunnel();
    config.tunnels.push_back(config.tunnels[0]);
    config.tunnels[1].name = "wg1";
    config.tunnels[1].listen_port = 51821;
    config.tunnels[1].peers.clear();
    const config::Config before = config;
    EXPECT_EQ(carry_out("listen_port=51821\n", config), Refusal::address_in_use);
    EXPECT_EQ(config, before);
    EXPECT_EQ(carry_out("listen_port=0\nfwmark=0x10\n", config), Refusal::none);
    EXPECT_EQ(config, before);
    EXPECT_EQ(carry_out("listen_port=51900\nprivate_key=" + hex_of("00") + "\n", config),
              Refusal::none);
    EXPECT_EQ(config.tunnels[0].listen_port, 51900);
    EXPECT_TRUE(config.tunnels[0].private_key.is_zero());
    EXPECT_EQ(apply(TunnelChange{}, "wg9", config), Refusal::invalid);
}

}  // namespace
}  // namespace towpath::control::uapi
