// SPDX-License-Identifier: BSD-3-Clause
#include "control/reconcile/peer_differences.h"

#include <gtest/gtest.h>

namespace towpath::control {
namespace {

config::Peer peer(const std::string& name, std::uint8_t key,
                  const std::vector<std::string>& allowed_ips) {
    config::Peer made;
    made.name = name;
    made.public_key[0] = std::byte{key};
    for (const std::string& prefix : allowed_ips) {
        made.allowed_ips.push_back(*parse_ip_prefix(prefix));
    }
    return made;
}

config::Config with(std::vector<config::Peer> peers) {
    config::Config config;
    config.tunnels.emplace_back().name = "wg0";
    config.tunnels[0].peers = std::move(peers);
    return config;
}

using Lines = std::vector<std::string>;

TEST(PeerDifferences, NothingIsSaidOfWhatStays) {
    const config::Config config = with({peer("a", 1, {"10.99.0.2/32"})});
    EXPECT_EQ(peer_differences(config, config), Lines{});
}

TEST(PeerDifferences, PeersComeGoAndChange) {
    config::Peer changed = peer("b", 2, {"10.99.0.3/32"});
    changed.persistent_keepalive = std::chrono::seconds{25};
    EXPECT_EQ(
        peer_differences(with({peer("a", 1, {"10.99.0.2/32"}), peer("b", 2, {"10.99.0.3/32"})}),
                         with({changed, peer("c", 3, {"10.99.0.4/32"})})),
        (Lines{"wireguard.wg0: peer a removed", "wireguard.wg0: peer b: keepalive",
               "wireguard.wg0: peer c added"}));
}

TEST(PeerDifferences, PrefixesMoveComeAndGo) {
    EXPECT_EQ(
        peer_differences(with({peer("a", 1, {"10.99.0.2/32", "10.98.0.0/16"}), peer("b", 2, {})}),
                         with({peer("a", 1, {"10.97.0.0/16"}), peer("b", 2, {"10.99.0.2/32"})})),
        (Lines{"wireguard.wg0: 10.97.0.0/16 added to peer a",
               "wireguard.wg0: 10.99.0.2/32 moved from peer a to peer b",
               "wireguard.wg0: 10.98.0.0/16 taken from peer a"}));
}

TEST(PeerDifferences, ATunnelsOwnSettingsWithoutItsSecrets) {
    config::Config after = with({});
    after.tunnels[0].listen_port = 51830;
    std::array<std::byte, 32> key{};
    key[3] = std::byte{9};
    after.tunnels[0].private_key = config::SecretKey{key};
    EXPECT_EQ(peer_differences(with({}), after),
              Lines{"wireguard.wg0: private key, listen port 51830"});
}

TEST(PeerDifferences, ManyAreCounted) {
    std::vector<config::Peer> many;
    for (std::uint8_t key = 1; key <= 40; ++key) {
        many.push_back(peer("p" + std::to_string(key), key, {}));
    }
    const Lines lines = peer_differences(with({}), with(many));
    ASSERT_EQ(lines.size(), kPeerLinesMax + 1);
    EXPECT_EQ(lines.back(), "wireguard.wg0: 24 more changes of peers");
}

}  // namespace
}  // namespace towpath::control
