// SPDX-License-Identifier: BSD-3-Clause
// wg-quick files (wireguard.md 16.1, decisions.md W10): what is understood, what has no effect,
// what is refused and where.
#include <gtest/gtest.h>

#include "config/tunnel_scalar.h"
#include "config/wg_quick.h"

namespace towpath::config {
namespace {

constexpr std::string_view kPrivate = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
constexpr std::string_view kPublic = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
constexpr std::string_view kOther = "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=";

std::string told(std::string_view text) {
    return to_string(parse_wg_quick(text).diagnostics, "f");
}

IpPrefix prefix(std::string_view text) {
    return *parse_ip_prefix(text);
}

TEST(WgQuick, IsUnderstoodWhole) {
    const WgQuickFile file = parse_wg_quick(
        "# comment\n[Interface]\n"
        "PrivateKey = " +
        std::string{kPrivate} +
        "  # ours\n"
        "Address = 10.77.99.1/24, 2001:db8:99::1/64\nADDRESS = 10.77.98.1\n"
        "listenport=51999\r\nMTU = 1380\nTable = off\n\n"
        "[Peer]\nPublicKey = " +
        std::string{kPublic} +
        "\n"
        "PresharedKey = " +
        std::string{kPrivate} +
        "\n"
        "AllowedIPs = 10.77.99.2/32,2001:db8:99::2\nAllowedIPs = 10.77.100.7/24,\n"
        "Endpoint = [2001:db8::7]:51820\nPersistentKeepalive = 25\n"
        "[peer]\npublickey=" +
        std::string{kOther} +
        "\nEndpoint = vpn.example.org:443\n"
        "AllowedIPs =\nPersistentKeepalive = off\n");
    EXPECT_EQ(to_string(file.diagnostics, "f"), "");
    const SecretKey key{*parse_key(kPrivate)};
    Tunnel expected;
    expected.private_key = key;
    expected.listen_port = 51999;
    expected.mtu_bytes = 1380;
    expected.has_routes = false;
    expected.addresses = {{*parse_ip_address("10.77.99.1"), prefix("10.77.99.0/24")},
                          {*parse_ip_address("2001:db8:99::1"), prefix("2001:db8:99::/64")},
                          {*parse_ip_address("10.77.98.1"), prefix("10.77.98.1/32")}};
    Peer first;
    first.public_key = *parse_key(kPublic);
    first.preshared_key = key;
    first.allowed_ips = {prefix("10.77.99.2/32"), prefix("2001:db8:99::2/128"),
                         prefix("10.77.100.0/24")};
    first.endpoint = PeerEndpoint{"", *parse_ip_address("2001:db8::7"), 51820};
    first.persistent_keepalive = std::chrono::seconds{25};
    Peer second;
    second.public_key = *parse_key(kOther);
    second.endpoint = PeerEndpoint{"vpn.example.org", {}, 443};
    expected.peers = {first, second};
    EXPECT_TRUE(file.tunnel == expected);
    EXPECT_EQ(file.locations.at("peers[0].allowed-ips[2]"), (Position{14, 14}));
}

TEST(WgQuick, AbsentListenPortIsTheUsualOne) {
    EXPECT_EQ(parse_wg_quick("[Interface]\n").tunnel.listen_port, 51820);
    EXPECT_TRUE(parse_wg_quick("").tunnel.has_routes);
}

TEST(WgQuick, WhatItWouldExecuteHasNoEffectAndIsNamed) {
    const std::string commands =
        " has no effect: commands are not run; nat, routes and local say "
        "what they are for\n";
    EXPECT_EQ(told("[Interface]\nPreUp = a\nPostUp = b\nPreDown = c\nPostDown = d\n"),
              "f:2:1: warning: PreUp" + commands + "f:3:1: warning: PostUp" + commands +
                  "f:4:1: warning: PreDown" + commands + "f:5:1: warning: PostDown" + commands);
    EXPECT_EQ(told("[Interface]\nDNS = 192.0.2.53\nFwMark = 51820\nSaveConfig = true\n"),
              "f:2:1: warning: DNS has no effect: the resolver of the host is not changed; set it "
              "where the host has it\n"
              "f:3:1: warning: FwMark has no effect: outer packets have a routing table of their "
              "own; see wireguard.*.table\n"
              "f:4:1: warning: SaveConfig has no effect: this file is never written; see "
              "wireguard.*.config\n");
}

struct Case {
    std::string_view text;
    std::string_view told;
};

TEST(WgQuick, RefusesWhatItDoesNotKnowAtItsPlace) {
    const Case cases[] = {
        {"[Interface]\nListnPort = 1\n",
         "f:2:1: error: unknown key 'ListnPort' in [Interface]; did you mean 'ListenPort'?\n"},
        {"[Peer]\nAlowedIPs = ::/0\n",
         "f:2:1: error: unknown key 'AlowedIPs' in [Peer]; did you mean 'AllowedIPs'?\n"},
        {"[Peer]\nMTU = 1420\n", "f:2:1: error: unknown key 'MTU' in [Peer]\n"},
        {"[Peer]\nPostUp = a\n", "f:2:1: error: unknown key 'PostUp' in [Peer]\n"},
        {"[Device]\nKey = 1\n", "f:1:1: error: unknown section: [Interface] or [Peer]\n"},
        {"MTU = 1420\n", "f:1:1: error: a key before [Interface] or [Peer]\n"},
        {"[Interface]\n  nonsense\n", "f:2:3: error: not a section and not KEY = VALUE\n"},
        {"[Interface]\nListenPort = 0\n", "f:2:14: error: 0 is out of range: 1..65535\n"},
        {"[Interface]\nTable = 51\n",
         "f:2:9: error: 51 is not a table: auto or off (there is one table)\n"},
        {"[Interface]\nAddress = 10.0.0.1/24, x\n",
         "f:2:24: error: x is not an address with its length, as in 10.99.0.1/24\n"},
        {"[Peer]\nAllowedIPs = 10.0.0.0/33\n",
         "f:2:14: error: 10.0.0.0/33 is not a prefix, as in 10.0.1.0/24 or 2001:db8::/32\n"},
        {"[Peer]\nEndpoint = 192.0.2.7\n",
         "f:2:12: error: 192.0.2.7 has no port, as in 192.0.2.7:51820\n"},
        {"[Peer]\nEndpoint = 192.0.2.777:1\n",
         "f:2:12: error: 192.0.2.777:1 is not an endpoint: 192.0.2.7:51820, [2001:db8::7]:51820 "
         "or NAME:51820\n"},
        {"[Peer]\nPersistentKeepalive = 65536\n",
         "f:2:23: error: 65536 is not a number of seconds of 0..65535, or off\n"},
        {"[Interface]\nPrivateKey = \x01\n",
         "f:2:14: error: control character 1: a configuration is plain text\n"},
    };
    for (const Case& one : cases) {
        EXPECT_EQ(told(one.text), one.told) << one.text;
    }
}

TEST(WgQuick, NeverQuotesWhatCouldBeAKey) {
    const std::string key{kPrivate};
    for (const std::string& text :
         {"[Interface]\nPrivateKey = " + key.substr(1) + "\n", "[Interface]\n" + key + "\n",
          "[Interface]\n" + key.substr(0, 43) + "\n", "[Peer]\nPresharedKey = x" + key + "\n",
          key + "\n", "[" + key + "\n"}) {
        const std::string said = told(text);
        EXPECT_NE(said, "") << text;
        EXPECT_EQ(said.find(key.substr(1, 12)), std::string::npos) << said;
    }
}

TEST(Key, HasOneTextOnly) {
    const auto key = parse_key(kPrivate);
    ASSERT_TRUE(key);
    EXPECT_EQ(to_base64(*key), kPrivate);
    EXPECT_EQ((*key)[0], std::byte{0xC8});
    std::string changed{kPrivate};
    changed[42] = 'l';  // k with a bit beyond the 32 bytes
    EXPECT_FALSE(parse_key(changed));
    EXPECT_FALSE(parse_key(kPrivate.substr(0, 43)));
    EXPECT_FALSE(parse_key(std::string{kPrivate.substr(0, 43)} + "A"));
    EXPECT_FALSE(parse_key(std::string{kPrivate.substr(0, 40)} + "===="));
    EXPECT_FALSE(parse_key(""));
}

}  // namespace
}  // namespace towpath::config
