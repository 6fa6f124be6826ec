// SPDX-License-Identifier: BSD-3-Clause
#include "control/reconcile/route_list.h"

#include <gtest/gtest.h>

#include "config/load.h"

namespace towpath::control {
namespace {

config::Config gateway() {
    config::Loaded loaded = config::load_text(
        "version: 1\n"
        "interfaces:\n"
        "  lan: {match: {name: lan0}, addresses: [10.77.1.1/24]}\n"
        "  wan: {match: {name: wan0}, addresses: [192.0.2.10/24]}\n"
        "routes: {static: [{to: 0.0.0.0/0, via: 192.0.2.1}]}\n"
        "wireguard:\n  wg0:\n    private-key: file:k\n    addresses: [10.99.0.1/24]\n"
        "    peers: [{name: p, public-key: xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=,\n"
        "             allowed-ips: [10.99.0.2/32, 10.77.1.0/24, \"2001:db8::/32\"]}]\n",
        [](const std::string&, std::size_t) -> config::Scalar<config::FileText> {
            return config::FileText{"yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n", true};
        });
    EXPECT_TRUE(loaded.is_valid());
    return std::move(loaded.config);
}

std::string words(const RouteModel& route) {
    return route.to + " " + route.via + " " + route.interface + " " + route.origin + " " +
           route.peer;
}

std::string way_to(const config::Config& config, std::string_view address) {
    const RoutesModel found = route_list(config, *parse_ip_address(address), 16);
    EXPECT_LE(found.routes.size(), 1U);
    return found.routes.empty() ? "" : words(found.routes[0]);
}

TEST(RouteList, ListsNetworksStaticRoutesAndAllowedIps) {
    const RoutesModel all = route_list(gateway(), std::nullopt, 16);
    std::vector<std::string> lines;
    for (const RouteModel& route : all.routes) {
        lines.push_back(words(route));
    }
    EXPECT_EQ(lines, (std::vector<std::string>{
                         "10.77.1.0/24  lan connected ", "192.0.2.0/24  wan connected ",
                         "10.99.0.0/24  wg0 connected ", "0.0.0.0/0 192.0.2.1 wan static ",
                         "10.99.0.2/32  wg0 allowed-ips p", "2001:db8::/32  wg0 allowed-ips p"}));
    EXPECT_EQ(all.total, 6U);
}

TEST(RouteList, TellsHowManyThereAreBeyondTheLimit) {
    const RoutesModel some = route_list(gateway(), std::nullopt, 2);
    EXPECT_EQ(some.routes.size(), 2U);
    EXPECT_EQ(some.total, 6U);
}

TEST(RouteList, ThePathOfAnAddressIsTheLongestPrefix) {
    const config::Config config = gateway();
    EXPECT_EQ(way_to(config, "10.99.0.2"), "10.99.0.2/32  wg0 allowed-ips p");
    EXPECT_EQ(way_to(config, "10.99.0.3"), "10.99.0.0/24  wg0 connected ");
    EXPECT_EQ(way_to(config, "10.77.1.9"), "10.77.1.0/24  lan connected ");
    EXPECT_EQ(way_to(config, "198.51.100.1"), "0.0.0.0/0 192.0.2.1 wan static ");
    EXPECT_EQ(way_to(config, "10.77.1.1"), "10.77.1.1/32  lan own ");
    EXPECT_EQ(way_to(config, "2001:db8::7"), "2001:db8::/32  wg0 allowed-ips p");
    EXPECT_EQ(way_to(config, "2001:db9::7"), "");
}

}  // namespace
}  // namespace towpath::control
