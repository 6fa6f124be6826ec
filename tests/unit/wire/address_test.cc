// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wire/address.h"

#include <gtest/gtest.h>

namespace towpath {
namespace {

TEST(Ipv4AddressText, RoundTrips) {
    for (const char* text : {"0.0.0.0", "192.0.2.1", "255.255.255.255", "10.0.0.9"}) {
        const auto address = parse_ipv4_address(text);
        ASSERT_TRUE(address.has_value()) << text;
        EXPECT_EQ(to_string(*address), text);
    }
}

TEST(Ipv4AddressText, RefusesWhatIsNoDottedQuad) {
    for (const char* text : {"", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.4 ",
                             "-1.2.3.4", "a.b.c.d", "1..2.3"}) {
        EXPECT_FALSE(parse_ipv4_address(text).has_value()) << text;
    }
}

TEST(Ipv4Prefix, ContainsOverlapsAndBroadcast) {
    const Ipv4Prefix prefix = *parse_ipv4_prefix("192.0.2.64/26");
    EXPECT_TRUE(prefix.contains(*parse_ipv4_address("192.0.2.127")));
    EXPECT_FALSE(prefix.contains(*parse_ipv4_address("192.0.2.128")));
    EXPECT_TRUE(prefix.overlaps(*parse_ipv4_prefix("192.0.2.0/24")));
    EXPECT_FALSE(prefix.overlaps(*parse_ipv4_prefix("192.0.2.0/26")));
    EXPECT_EQ(to_string(prefix.broadcast()), "192.0.2.127");
    EXPECT_TRUE((Ipv4Prefix{Ipv4Address{}, 0}.contains(Ipv4Address{0xFFFFFFFF})));
}

TEST(Ipv4PrefixText, RefusesBadLengths) {
    EXPECT_EQ(to_string(*parse_ipv4_prefix("10.0.1.0/24")), "10.0.1.0/24");
    for (const char* text : {"10.0.1.0", "10.0.1.0/", "10.0.1.0/33", "10.0.1.0/24x", "/24"}) {
        EXPECT_FALSE(parse_ipv4_prefix(text).has_value()) << text;
    }
}

TEST(MacAddressText, RoundTripsAndRefuses) {
    EXPECT_EQ(to_string(*parse_mac_address("02:00:5e:10:00:ff")), "02:00:5e:10:00:ff");
    for (const char* text : {"", "02:00:5e:10:00", "02-00-5e-10-00-ff", "02:00:5e:10:00:fg"}) {
        EXPECT_FALSE(parse_mac_address(text).has_value()) << text;
    }
}

TEST(BigEndian, KeepsWireOrder) {
    const be16 port{0x1234};
    EXPECT_EQ(port.host(), 0x1234);
    EXPECT_EQ(port.raw(), 0x3412);
    EXPECT_EQ(be32{0xC0000201}.host(), 0xC0000201U);
}

}  // namespace
}  // namespace towpath
