// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wire/ip_address.h"

#include <gtest/gtest.h>

namespace towpath {
namespace {

TEST(IpAddressText, RoundTripsInBothFamilies) {
    for (const char* text :
         {"192.0.2.1", "0.0.0.0", "::", "::1", "2001:db8::1", "2001:db8:0:1::", "fe80::1:2:3:4"}) {
        const auto address = parse_ip_address(text);
        ASSERT_TRUE(address.has_value()) << text;
        EXPECT_EQ(to_string(*address), text);
    }
}

TEST(IpAddressText, RefusesWhatIsNoAddress) {
    for (const char* text : {"", ":", ":::", "1:2:3", "2001:db8::1%eth0",
                             "g::", "12345::", "2001:db8::1/64", "1.2.3", "::1.2.3.4.5"}) {
        EXPECT_FALSE(parse_ip_address(text).has_value()) << text;
    }
}

TEST(IpAddress, OfTwoFamiliesIsNeverEqual) {
    EXPECT_NE(*parse_ip_address("192.0.2.1"), *parse_ip_address("::ffff:192.0.2.1"));
    EXPECT_NE(*parse_ip_address("0.0.0.0"), *parse_ip_address("::"));
    EXPECT_EQ(parse_ip_address("192.0.2.1")->bytes().size(), 4U);
    EXPECT_EQ(parse_ip_address("2001:db8::1")->bytes().size(), 16U);
    EXPECT_EQ(parse_ip_address("192.0.2.1")->ipv4().bits(), 0xC0000201U);
}

TEST(IpPrefix, ClearsHostBitsAtEveryLength) {
    EXPECT_EQ(to_string(*parse_ip_prefix("192.0.2.255/25")), "192.0.2.128/25");
    EXPECT_EQ(to_string(*parse_ip_prefix("192.0.2.255/0")), "0.0.0.0/0");
    EXPECT_EQ(to_string(*parse_ip_prefix("2001:db8:ffff::/33")), "2001:db8:8000::/33");
    EXPECT_EQ(to_string(*parse_ip_prefix("2001:db8::1/128")), "2001:db8::1/128");
    const IpPrefix prefix = *parse_ip_prefix("2001:db8::/33");
    EXPECT_TRUE(prefix.contains(*parse_ip_address("2001:db8:7fff::1")));
    EXPECT_FALSE(prefix.contains(*parse_ip_address("2001:db8:8000::1")));
    EXPECT_FALSE(parse_ip_prefix("0.0.0.0/0")->contains(*parse_ip_address("::")));
}

TEST(IpPrefixText, RefusesLengthsThatDoNotFit) {
    for (const char* text : {"192.0.2.0/33", "2001:db8::/129", "192.0.2.0", "192.0.2.0/",
                             "192.0.2.0/-1", "192.0.2.0/08", "/24"}) {
        EXPECT_FALSE(parse_ip_prefix(text).has_value()) << text;
    }
}

TEST(IpEndpointText, WantsBracketsForIpv6Only) {
    EXPECT_EQ(to_string(*parse_ip_endpoint("192.0.2.1:51820")), "192.0.2.1:51820");
    EXPECT_EQ(to_string(*parse_ip_endpoint("[2001:db8::1]:51820")), "[2001:db8::1]:51820");
    for (const char* text : {"192.0.2.1", "192.0.2.1:65536", "[192.0.2.1]:1", "2001:db8::1:51820",
                             "[2001:db8::1]", "[2001:db8::1]51820", "192.0.2.1:", ":51820"}) {
        EXPECT_FALSE(parse_ip_endpoint(text).has_value()) << text;
    }
}

}  // namespace
}  // namespace towpath
