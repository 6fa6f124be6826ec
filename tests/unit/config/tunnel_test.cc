// SPDX-License-Identifier: BSD-3-Clause
// The `wireguard:` section: what it means, its files, and the rules between tunnels, peers and the
// rest of a configuration (decisions.md W6, W9, W10, W12, W13).
#include <gtest/gtest.h>

#include <map>

#include "config/derive.h"
#include "config/load.h"
#include "config/schema.h"
#include "config/tunnel_scalar.h"

namespace towpath::config {
namespace {

const std::string kPrivate = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
const std::string kPublic = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
const std::string kOther = "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=";

// Files by name; those whose name ends in "open" may be read by everybody.
using Files = std::map<std::string, std::string>;

Loaded load(const std::string& text, const Files& files = {{"k", kPrivate + "\n"}}) {
    return load_text(text, [files](const std::string& path, std::size_t) -> Scalar<FileText> {
        const auto found = files.find(path);
        if (found == files.end()) {
            return tl::unexpected<std::string>{" cannot be opened: No such file or directory"};
        }
        return FileText{found->second, !path.ends_with("open")};
    });
}

std::string with(const std::string& tunnels, const std::string& more = "") {
    return "version: 1\n"
           "interfaces:\n"
           "  lan: {match: {name: lan0}, addresses: [10.77.1.1/24]}\n"
           "  wan: {match: {name: wan0}, addresses: [192.0.2.10/24]}\n" +
           more + "wireguard:\n" + tunnels;
}

std::string told(const std::string& text, const Files& files = {{"k", kPrivate + "\n"}}) {
    return to_string(load(text, files).diagnostics, "f");
}

TEST(Tunnel, IsUnderstoodWhole) {
    const Loaded loaded = load(
        with("  wg0:\n    private-key: file:k\n    listen-port: 51821\n"
             "    addresses: [10.77.99.1/24, 2001:db8:99::1/64]\n    mtu: 1380\n    table: off\n"
             "    peers: [{name: laptop, public-key: " +
                 kPublic +
                 ", preshared-key: file:k,\n"
                 "             allowed-ips: [10.77.99.2/32], endpoint: \"vpn.example.org:443\",\n"
                 "             persistent-keepalive: 25s}]\n"
                 "    re-resolve: 1m\n    advertise: {routes: [10.77.1.0/24], exit-node: true}\n"
                 "    source-nat: {default: interface, except: [10.77.2.0/24]}\n"
                 "    stateful: false\n",
             "routes: {static: [{to: 0.0.0.0/0, via: 192.0.2.1}]}\n"
             "nat: {inside: [lan, wg0], outside: wan}\n"));
    ASSERT_EQ(to_string(loaded.diagnostics, "f"), "");
    const Tunnel& tunnel = loaded.config.tunnels.at(0);
    EXPECT_EQ(to_base64(tunnel.private_key.bytes()), kPrivate);
    EXPECT_EQ(tunnel.listen_port, 51821);
    EXPECT_EQ(tunnel.addresses.size(), 2U);
    EXPECT_EQ(tunnel.mtu_bytes, 1380);
    EXPECT_FALSE(tunnel.has_routes);
    EXPECT_EQ(tunnel.re_resolve, std::chrono::seconds{60});
    ASSERT_EQ(tunnel.peers.size(), 1U);
    EXPECT_EQ(label_of(tunnel.peers[0]), "laptop");
    EXPECT_EQ(to_base64(tunnel.peers[0].preshared_key.bytes()), kPrivate);
    EXPECT_EQ(tunnel.peers[0].endpoint->name, "vpn.example.org");
    EXPECT_EQ(tunnel.peers[0].persistent_keepalive, std::chrono::seconds{25});
    EXPECT_TRUE(tunnel.advertise->is_exit_node);
    EXPECT_TRUE(tunnel.source_nat.is_interface);
    EXPECT_EQ(tunnel.source_nat.except, std::vector{*parse_ip_prefix("10.77.2.0/24")});
    EXPECT_FALSE(tunnel.is_stateful);
}

TEST(Tunnel, TakesAFileAsItIs) {
    const Loaded loaded = load(with("  wg0: {config: wg0.conf, re-resolve: 5s}\n"),
                               {{"wg0.conf", "[Interface]\nPrivateKey = " + kPrivate +
                                                 "\nAddress = 10.77.99.1/24\nPostUp = x\n[Peer]\n"
                                                 "PublicKey = " +
                                                 kPublic + "\nAllowedIPs = 10.77.99.2/32\n"}});
    EXPECT_EQ(to_string(loaded.diagnostics, "f"),
              "wg0.conf:4:1: warning: PostUp has no effect: commands are not run; nat, routes and "
              "local say what they are for\n");
    ASSERT_TRUE(loaded.is_valid());
    const Tunnel& tunnel = loaded.config.tunnels.at(0);
    EXPECT_EQ(tunnel.listen_port, 51820);
    EXPECT_EQ(tunnel.peers.size(), 1U);
    EXPECT_EQ(label_of(tunnel.peers[0]), "xTIBA5rb...");
    EXPECT_EQ(tunnel.re_resolve, std::chrono::seconds{5});
}

TEST(Tunnel, MayBeNamedWhereAnInterfaceMayAndReservesItsPort) {
    const Loaded loaded = load(with(
        "  wg0: {private-key: \"file:k\", addresses: [10.77.99.1/24], peers: [{public-key: " +
            kPublic + ", allowed-ips: [10.77.99.7/32, 10.77.120.0/24, 0.0.0.0/0]}]}\n",
        "routes: {static: [{to: 0.0.0.0/0, via: 192.0.2.1}, {to: 10.78.0.0/16, interface: wg0}]}\n"
        "nat: {inside: [lan, wg0], outside: wan}\n"
        "local: {allow: [{from: wg0, protocol: icmp}]}\n"));
    ASSERT_TRUE(loaded.is_valid());
    const Config& config = loaded.config;
    EXPECT_EQ(route_interface(config, config.routes[1]), 2U);
    EXPECT_EQ(interface_name(config, 2), "wg0");
    const auto prefix = [](std::string_view text) { return *parse_ipv4_prefix(text); };
    EXPECT_EQ(nat_sources(config), (std::vector{prefix("10.77.1.0/24"), prefix("10.77.99.0/24"),
                                                prefix("10.77.120.0/24"), prefix("10.78.0.0/16")}));
    EXPECT_EQ(reserved_port_ranges(config),
              (std::vector<PortRange>{{51820, 51820}, {61000, 65535}}));
}

TEST(Tunnel, ChangedKeysMakeAnotherConfig) {
    const std::string text = with("  wg0: {private-key: \"file:k\"}\n");
    EXPECT_TRUE(load(text).config == load(text).config);
    EXPECT_FALSE(load(text).config == load(text, {{"k", kOther}}).config);
}

TEST(Tunnel, SecretsAreReadFromPrivateFilesOnlyAndNeverQuoted) {
    EXPECT_EQ(told(with("  wg0: {private-key: " + kPrivate + "}\n")),
              "f:6:22: error: wireguard.wg0.private-key must be file:PATH: this file may be read "
              "by more people than a key should be\n");
    EXPECT_EQ(told(with("  wg0: {private-key: \"file:open\"}\n"), {{"open", kPrivate}}),
              "f:6:9: error: open may be read by others than its owner: chmod 600 open\n");
    EXPECT_EQ(told(with("  wg0: {private-key: \"file:none\"}\n")),
              "f:6:9: error: none cannot be opened: No such file or directory\n");
    EXPECT_EQ(told(with("  wg0: {private-key: \"file:k\"}\n"), {{"k", "x" + kPrivate}}),
              "f:6:9: error: k is not a key: 44 characters of base64 that end in '='\n");
    EXPECT_EQ(told(with("  wg0: {config: open}\n"),
                   {{"open", "[Interface]\nPrivateKey = " + kPrivate + "\n"}}),
              "open: warning: may be read by others than its owner: it holds a key\n");
    EXPECT_EQ(json_schema().find(kPrivate), std::string::npos);
}

TEST(Tunnel, NeedsAKey) {
    EXPECT_EQ(told(with("  wg0: {listen-port: 1}\n")),
              "f:6:3: error: wireguard.wg0 needs private-key: file:PATH, or config: a wg-quick "
              "file\n");
    EXPECT_EQ(told(with("  wg0: {config: c}\n"), {{"c", "[Interface]\n"}}),
              "f:6:3: error: wireguard.wg0: c has no PrivateKey\n");
}

TEST(Tunnel, IsSaidOnce) {
    EXPECT_EQ(told(with("  wg0: {config: c, mtu: 1400}\n"),
                   {{"c", "[Interface]\nPrivateKey = " + kPrivate + "\n"}}),
              "f:6:20: error: wireguard.wg0.mtu comes from c: leave it out here, or leave config "
              "out\n");
    EXPECT_EQ(told(with("  lan: {private-key: \"file:k\"}\n")),
              "f:6:3: error: 'lan' is already an interface\n");
}

// W9.
TEST(Tunnel, HasAPortOfItsOwn) {
    EXPECT_EQ(told(with("  wg0: {private-key: \"file:k\"}\n"
                        "  wg1: {private-key: \"file:k\", listen-port: 51820}\n")),
              "f:7:32: error: port 51820 of wg1 is already that of wg0: every interface has its "
              "own (absent is 51820)\n");
}

// W12: the finding names both peers and both places, inline and in a file.
TEST(Tunnel, APrefixHasOnePeer) {
    EXPECT_EQ(
        told(with("  wg0:\n    private-key: file:k\n    peers:\n"
                  "      - {name: a, public-key: " +
                  kPublic +
                  ", allowed-ips: [10.1.0.0/16]}\n"
                  "      - {name: b, public-key: " +
                  kOther + ", allowed-ips: [10.1.0.0/16]}\n")),
        "f:10:91: error: 10.1.0.0/16 of peer b is already that of peer a (line 9): a prefix has "
        "one peer\n");
    EXPECT_EQ(
        told(with("  wg0: {config: c}\n"),
             {{"c", "[Interface]\nPrivateKey = " + kPrivate + "\n[Peer]\nPublicKey = " + kPublic +
                        "\nAllowedIPs = 10.1.2.3/16\n[Peer]\nPublicKey = " + kOther +
                        "\nAllowedIPs = ::/0, 10.1.0.0/16\n"}}),
        "c:8:20: error: 10.1.0.0/16 of peer TrMvSoP4... is already that of peer xTIBA5rb... "
        "(line 5): a prefix has one peer\n");
    EXPECT_EQ(told(with("  wg0: {private-key: \"file:k\", peers: [{public-key: " + kPublic +
                        "}, {public-key: " + kPublic + "}]}\n")),
              "f:6:101: error: peer xTIBA5rb... is given twice: also on line 6\n");
}

// W6.
TEST(Tunnel, AnEndpointIsNotInsideATunnel) {
    const std::string peers = "  wg0: {private-key: \"file:k\", peers: [{public-key: " + kPublic +
                              ", allowed-ips: [0.0.0.0/0], endpoint: \"198.51.100.7:51820\"}]}\n";
    EXPECT_EQ(told(with(peers)),
              "f:6:125: error: endpoint 198.51.100.7 of peer xTIBA5rb... is reachable only through "
              "a tunnel\n");
    EXPECT_TRUE(
        load(with(peers, "routes: {static: [{to: 0.0.0.0/0, via: 192.0.2.1}]}\n")).is_valid());
}

TEST(Tunnel, IPv6AddressesAndEndpointsKeepToTheSameRules) {
    const auto text = [](const std::string& wan, const std::string& endpoint) {
        return "version: 1\ninterfaces: {wan: {match: {name: wan0}, addresses: [\"" + wan +
               "\"]}}\nwireguard: {wg0: {private-key: \"file:k\", addresses: "
               "[\"2001:db8:99::1/64\"], peers: [{public-key: " +
               kPublic + ", allowed-ips: [\"::/0\"], endpoint: \"" + endpoint + "\"}]}}\n";
    };
    EXPECT_EQ(told(text("2001:db8:1::1/64", "[2001:db8:1::7]:51820")), "");
    EXPECT_EQ(told(text("2001:db8:1::1/64", "[2001:db8:2::7]:51820")),
              "f:3:166: error: endpoint 2001:db8:2::7 of peer xTIBA5rb... is reachable only "
              "through a tunnel\n");
    EXPECT_EQ(told(text("2001:db8:99::2/48", "[2001:db8:99::7]:51820")),
              "f:3:54: error: 2001:db8:99::1/64 overlaps 2001:db8:99::/48 of wan\n");
}

TEST(Tunnel, KeepsToItsRules) {
    const auto tunnel = [](const std::string& more) {
        return with("  wg0: {private-key: \"file:k\", " + more + "}\n");
    };
    EXPECT_EQ(told(tunnel("addresses: [10.77.1.9/32]")),
              "f:6:44: error: 10.77.1.9/32 overlaps 10.77.1.0/24 of lan\n");
    EXPECT_EQ(told(tunnel("addresses: [127.0.0.1/8]")),
              "f:6:44: error: 127.0.0.1/8 is not an address of a host\n");
    EXPECT_EQ(told(tunnel("addresses: [\"fe80::1/64\", \"ff02::1/64\"]")),
              "f:6:58: error: ff02::1/64 is not an address of a host\n");
    EXPECT_EQ(told(tunnel("addresses: [10.77.99.1/24, 10.77.99.1/32]")),
              "f:6:59: error: 10.77.99.1/32 is given twice: also on wg0\n");
    EXPECT_EQ(told(tunnel("addresses: [\"2001:db8::1/64\"], mtu: 1279")),
              "f:6:63: error: wireguard.wg0.mtu is below 1280, which IPv6 needs\n");
    EXPECT_EQ(told(tunnel("peers: [{public-key: " + kPublic + ", allowed-ips: [10.1.2.3/16]}]")),
              "f:6:113: error: 10.1.2.3/16 is not a prefix: it has host bits; did you mean "
              "10.1.0.0/16?\n");
    EXPECT_EQ(told(tunnel("peers: [{name: a}]")),
              "f:6:40: error: 'public-key' is missing in wireguard.wg0.peers[0]\n");
    EXPECT_EQ(told(with("  wg0: {private-key: \"file:k\"}\n",
                        "routes: {static: [{to: 10.78.0.0/16, via: 10.77.99.2, interface: "
                        "wg0}]}\n")),
              "f:5:38: error: a tunnel has no next hops: leave via out, allowed-ips say which peer "
              "it is\n");
}

TEST(Tunnel, SourceNatNeedsAnAddressOfItsOwn) {
    const auto tunnel = [](const std::string& more) {
        return with("  wg0: {private-key: \"file:k\", " + more + "}\n");
    };
    EXPECT_EQ(told(tunnel("source-nat: {default: interface}")), "");
    EXPECT_EQ(told(tunnel("source-nat: {except: [10.77.2.0/24]}")), "");
    EXPECT_EQ(told(tunnel("source-nat: {default: all}")),
              "f:6:54: error: wireguard.wg0.source-nat.default: 'all' is not one of none, "
              "interface\n");
    EXPECT_EQ(told(tunnel("source-nat: {except: [\"2001:db8::/32\"]}")),
              "f:6:54: error: 2001:db8::/32: IPv6 is never translated, so there is nothing to "
              "except\n");
    EXPECT_EQ(told("version: 1\n"
                   "interfaces: {wan: {match: {name: wan0}, addresses: [192.0.2.10/24]},\n"
                   "             lan: {match: {name: lan0}}}\n"
                   "routes: {static: [{to: 0.0.0.0/0, via: 192.0.2.1}]}\n"
                   "nat: {inside: lan, outside: wan, source: [10.77.1.0/24]}\n"
                   "wireguard: {wg0: {private-key: \"file:k\",\n"
                   "  source-nat: {default: interface}}}\n"),
              "f:7:3: error: wireguard.wg0.source-nat needs an interface with an IPv4 address that "
              "is not nat.outside\n");
    std::string many;
    for (int network = 0; network < 257; ++network) {
        many +=
            "10." + std::to_string(network / 256) + "." + std::to_string(network % 256) + ".0/24, ";
    }
    EXPECT_EQ(told(tunnel("source-nat: {except: [" + many + "]}")),
              "f:6:45: error: wireguard.wg0.source-nat.except lists more than 256\n");
}

TEST(Tunnel, StatefulIsForIpv4Alone) {
    const auto tunnel = [](const std::string& more) {
        return with("  wg0: {private-key: \"file:k\", stateful: true" + more + "}\n");
    };
    EXPECT_TRUE(load(tunnel(""), {{"k", kPrivate + "\n"}}).config.tunnels.at(0).is_stateful);
    EXPECT_EQ(told(tunnel("")), "");
    for (const std::string& ipv6 : std::vector<std::string>{
             ", addresses: [\"2001:db8:99::1/64\"]", ", advertise: {routes: [\"2001:db8::/32\"]}",
             ", peers: [{public-key: " + kPublic + ", allowed-ips: [\"::/0\"]}]"}) {
        EXPECT_TRUE(told(tunnel(ipv6))
                        .starts_with("f:6:32: error: wireguard.wg0.stateful tracks IPv4 only, and "
                                     "wg0 has IPv6: take IPv6 "
                                     "out of its addresses, allowed IPs and advertised routes, or "
                                     "leave stateful out\n"))
            << ipv6;
    }
}

}  // namespace
}  // namespace towpath::config
