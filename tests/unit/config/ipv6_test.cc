// SPDX-License-Identifier: BSD-3-Clause
// IPv6 addresses of interfaces and IPv6 routes.
#include <gtest/gtest.h>

#include <string>

#include "config/derive.h"
#include "config/load.h"
#include "dataplane/wire/ip_address.h"

namespace towpath::config {
namespace {

std::string file(std::string_view addresses, std::string_view routes, std::string_view more = "") {
    return "version: 1\n"
           "interfaces:\n"
           "  lan: {match: {name: lan0}, addresses: [" +
           std::string{addresses} + "]" + std::string{more} +
           "}\n"
           "  dmz: {match: {name: dmz0}, addresses: [10.77.3.1/24, 2001:db8:3::1/64]}\n"
           "routes: {static: [" +
           std::string{routes} + "]}\n";
}

// The first finding without its place; empty if there is none.
std::string refusal(std::string_view addresses, std::string_view routes,
                    std::string_view more = "") {
    const std::string told = to_string(load_text(file(addresses, routes, more)).diagnostics, "f");
    const std::size_t begin = told.find("error: ");
    return begin == std::string::npos ? "" : told.substr(begin + 7, told.find('\n') - begin - 7);
}

TEST(Ipv6Configuration, AddressesAndRoutesOfBothFamiliesStandTogether) {
    const auto loaded = load_text(file(
        "2001:db8:1::1/64, 10.77.1.1/24",
        "{to: 2001:db8:7::/48, via: 2001:db8:1::fe}, {to: ::/0, via: fe80::1, interface: dmz}, "
        "{to: 10.1.0.0/16, via: 10.77.1.9}"));
    ASSERT_TRUE(loaded.is_valid());
    const Config& config = loaded.config;
    const Interface& lan = config.interfaces[0];
    ASSERT_EQ(lan.addresses.size(), 1U);
    ASSERT_EQ(lan.ipv6_addresses.size(), 1U);
    EXPECT_EQ(to_string(lan.ipv6_addresses[0].address), "2001:db8:1::1");
    EXPECT_EQ(lan.ipv6_addresses[0].prefix.length(), 64);
    ASSERT_EQ(config.routes.size(), 3U);
    EXPECT_EQ(to_string(config.routes[0].to), "2001:db8:7::/48");
    EXPECT_EQ(route_interface(config, config.routes[0]), 0U);
    EXPECT_EQ(route_interface(config, config.routes[1]), 1U);
    EXPECT_EQ(route_interface(config, config.routes[2]), 0U);
}

TEST(Ipv6Configuration, AddressesThatNoLinkCarriesAreRefused) {
    EXPECT_EQ(refusal("2001:db8:1::1/64", ""), "");
    EXPECT_EQ(refusal("2001:db8:1::/127", ""), "");
    EXPECT_EQ(refusal("2001:db8:1::/64", ""),
              "2001:db8:1::/64 is the anycast address of its network's routers");
    EXPECT_EQ(refusal("ff02::5/64", ""), "ff02::5/64 is not an address of a host");
    EXPECT_EQ(refusal("::1/128", ""), "::1/128 is not an address of a host");
    EXPECT_EQ(refusal("fe80::1/64", ""),
              "fe80::1/64 is link-local: every interface with an IPv6 address has one by itself");
    EXPECT_EQ(refusal("2001:db8:3::9/64", ""),
              "2001:db8:3::1/64 overlaps 2001:db8:3::9/64 of lan (BAD-CFG-01)");
    EXPECT_EQ(refusal("2001:db8:1::1/64, 2001:db8:1::1/64", ""),
              "2001:db8:1::1/64 is given twice: also on lan");
    EXPECT_NE(refusal("2001:db8:1::1", ""), "");
    EXPECT_NE(refusal("2001:db8:1::1/129", ""), "");
    EXPECT_EQ(refusal("2001:db8:1::1/64", "", ", mtu: 1279"),
              "interfaces.lan.mtu is below 1280, which IPv6 needs");
    std::string many = "2001:db8:1::1/64";
    for (int host = 2; host <= 8; ++host) {
        many += ", 2001:db8:1::" + std::to_string(host) + "/64";
    }
    EXPECT_EQ(refusal(many, ""), "");
    EXPECT_EQ(refusal(many + ", 2001:db8:1::9/64", ""),
              "interfaces.lan.addresses lists more than 8 IPv6 addresses");
}

TEST(Ipv6Configuration, NextHopsAreReached) {
    const std::string_view own = "2001:db8:1::1/64";
    EXPECT_EQ(refusal(own, "{to: ::/0, via: 2001:db8:9::1}"),
              "next hop 2001:db8:9::1 is in no connected network");
    EXPECT_EQ(refusal(own, "{to: ::/0, via: 2001:db8:1::1}"),
              "next hop 2001:db8:1::1 is an address of this box");
    EXPECT_EQ(refusal(own, "{to: ::/0, via: 10.77.3.2}"),
              "next hop 10.77.3.2 is of another family than ::/0");
    EXPECT_EQ(refusal(own, "{to: ::/0, via: 2001:db8:1::2, interface: dmz}"),
              "next hop 2001:db8:1::2 is reached by lan, not by dmz");
    EXPECT_EQ(refusal(own, "{to: ::/0, via: fe80::1}"),
              "next hop fe80::1 is link-local: say interface: NAME as well");
    EXPECT_EQ(refusal("10.77.1.1/24", "{to: ::/0, via: fe80::1, interface: lan}"),
              "lan has no IPv6 address");
    EXPECT_EQ(refusal(own, "{to: 2001:db8:7::1/48, via: 2001:db8:1::2}"),
              "2001:db8:7::1/48 is not a prefix: it has host bits; did you mean 2001:db8:7::/48?");
    EXPECT_EQ(refusal(own, "{to: ::/0, via: 2001:db8:1::2}, {to: ::/0, via: 2001:db8:1::3}"),
              "a second route to ::/0");
}

}  // namespace
}  // namespace towpath::config
