// SPDX-License-Identifier: BSD-3-Clause
// What allowed IPs and advertised prefixes do to the rest of a configuration, and what is warned
// of.
#include <gtest/gtest.h>

#include "config/load.h"
#include "config/tunnel_routes.h"

namespace towpath::config {
namespace {

constexpr std::string_view kPrivate = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n";

Loaded load(const std::string& tunnel, const std::string& inside) {
    return load_text(
        "version: 1\n"
        "interfaces:\n"
        "  lan: {match: {name: lan0}, addresses: [10.77.1.1/24, 2001:db8:1::1/64]}\n"
        "  wan: {match: {name: wan0}, addresses: [192.0.2.10/24]}\n"
        "routes: {static: [{to: 0.0.0.0/0, via: 192.0.2.1},\n"
        "                  {to: 10.77.128.0/17, via: 10.77.1.2}]}\n"
        "nat: {inside: " +
            inside +
            ", outside: wan}\n"
            "wireguard:\n  wg0:\n    private-key: file:k\n"
            "    addresses: [10.99.0.1/24]\n" +
            tunnel,
        [](const std::string&, std::size_t) -> Scalar<FileText> {
            return FileText{std::string{kPrivate}, true};
        });
}

std::string told(const std::string& tunnel, const std::string& inside = "[lan, wg0]") {
    const Loaded loaded = load(tunnel, inside);
    EXPECT_TRUE(loaded.is_valid());
    return to_string(loaded.diagnostics, "f");
}

std::string peer(const std::string& allowed_ips) {
    return "    peers: [{name: p, public-key: xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=, "
           "allowed-ips: " +
           allowed_ips + "}]\n";
}

TEST(TunnelRoutes, NetworksOfPeersAloneAreFine) {
    EXPECT_EQ(told(peer("[10.99.0.2/32, 10.98.0.0/16]")), "");
}

TEST(TunnelRoutes, TheNetworkOfAnInterfaceStaysItsOwn) {
    EXPECT_EQ(told(peer("[10.77.1.0/24]")),
              "f:12:95: warning: 10.77.1.0/24 of peer p is that of lan, which keeps it: no route "
              "leads into wg0\n");
    const Config config = load(peer("[10.77.1.0/24]"), "[lan, wg0]").config;
    EXPECT_EQ(HeldNetworks{config}.holder_of(*parse_ip_prefix("10.77.1.0/24")), "lan");
    EXPECT_EQ(HeldNetworks{config}.holder_of(*parse_ip_prefix("2001:db8:1::/64")), "lan");
    EXPECT_EQ(HeldNetworks{config}.holder_of(*parse_ip_prefix("10.77.1.0/25")), "");
    EXPECT_EQ(HeldNetworks{config}.holder_of(*parse_ip_prefix("10.77.0.0/16")), "");
}

TEST(TunnelRoutes, AStaticRouteStaysAndTheDefaultRouteDoesNot) {
    EXPECT_EQ(told(peer("[10.77.128.0/17, 2001:db8:1::/64]")),
              "f:12:95: warning: 10.77.128.0/17 of peer p is that of routes.static, which keeps "
              "it: no route leads into wg0 (and 1 more like it)\n");
    const Config config = load("", "[lan]").config;
    EXPECT_EQ(HeldNetworks{config}.holder_of(IpPrefix{Ipv4Prefix{}}), "");
}

TEST(TunnelRoutes, HostsOfANetworkThatGoIntoTheTunnelAreNamed) {
    EXPECT_EQ(told(peer("[10.77.1.11/32, 192.0.2.0/25]")),
              "f:12:95: warning: 10.77.1.11/32 of peer p lies in the network of lan: what is "
              "there can no longer be reached (and 1 more like it)\n");
}

TEST(TunnelRoutes, EverythingThroughATunnelThatIsInside) {
    EXPECT_EQ(told(peer("[0.0.0.0/0]")),
              "f:12:95: warning: 0.0.0.0/0 of peer p sends to it all that is to leave by wan, "
              "and what comes back is dropped (source_not_inside): take wg0 out of nat.inside, "
              "or set table: off\n");
    EXPECT_EQ(told(peer("[0.0.0.0/0]"), "[lan]"), "");
}

TEST(TunnelRoutes, WithoutATableNothingIsTakenFromAnybody) {
    EXPECT_EQ(told("    table: off\n" + peer("[10.77.1.0/24, 0.0.0.0/0]")), "");
}

TEST(TunnelRoutes, AdvertisedIsWhatSomethingLeadsTo) {
    EXPECT_EQ(told("    advertise: {routes: [10.77.1.0/24, 10.77.1.8/29, 10.77.130.0/24]}\n"), "");
    EXPECT_EQ(told("    advertise: {routes: [10.88.0.0/24]}\n"),
              "f:12:26: warning: nothing leads to 10.88.0.0/24: no network of an interface, no "
              "route\n");
    EXPECT_EQ(told("    advertise: {routes: [0.0.0.0/0]}\n"),
              "f:12:26: warning: 0.0.0.0/0 is everything: exit-node: true is how to offer the "
              "Internet\n");
    EXPECT_EQ(told("    advertise: {routes: []}\n"),
              "f:12:5: warning: wireguard.wg0.advertise lists nothing: peers reach the gateway "
              "alone; leave it out and they reach everything that is routed\n");
}

TEST(TunnelRoutes, AnExitNodeIsTranslated) {
    EXPECT_EQ(told("    advertise: {exit-node: true}\n"), "");
    EXPECT_EQ(told("    advertise: {exit-node: true}\n", "[lan]"),
              "f:12:17: warning: wg0 is not in nat.inside: what its peers send to the Internet "
              "leaves with their private addresses\n");
}

TEST(WithoutNat, PrivateAddressesThatLeaveAreToldOf) {
    const auto said = [](const std::string& wan, const std::string& route) {
        return to_string(load_text("version: 1\n"
                                   "interfaces:\n"
                                   "  lan: {match: {name: lan0}, addresses: [10.77.1.1/24]}\n"
                                   "  wan: {match: {name: wan0}, addresses: [" +
                                       wan + "]}\nroutes: {static: [" + route + "]}\n",
                                   [](const std::string&, std::size_t) -> Scalar<FileText> {
                                       return FileText{std::string{kPrivate}, true};
                                   })
                             .diagnostics,
                         "f");
    };
    EXPECT_EQ(said("192.0.2.10/24", "{to: 0.0.0.0/0, via: 192.0.2.1}"),
              "f:5:1: warning: there is no nat: what lan sends leaves wan with private addresses, "
              "to which nobody can answer\n");
    // A router among private networks, or one that leads nowhere else.
    EXPECT_EQ(said("192.168.1.2/24", "{to: 0.0.0.0/0, via: 192.168.1.1}"), "");
    EXPECT_EQ(said("192.0.2.10/24", "{to: 198.51.100.0/24, via: 192.0.2.1}"), "");
}

}  // namespace
}  // namespace towpath::config
