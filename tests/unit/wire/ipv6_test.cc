// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wire/ipv6.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "dataplane/wire/icmpv6.h"
#include "dataplane/wire/ip_address.h"
#include "dataplane/wire/ipv6_address.h"

namespace towpath {
namespace {

Ipv6Address address(std::string_view text) {
    return *parse_ipv6_address(text);
}

TEST(Ipv6Address, IsWhatItsBitsSay) {
    EXPECT_TRUE(is_unspecified(address("::")));
    EXPECT_FALSE(is_unspecified(address("::1")));
    EXPECT_TRUE(is_multicast(address("ff02::1")));
    EXPECT_TRUE(is_link_local(address("febf::1")));
    EXPECT_FALSE(is_link_local(address("fec0::1")));
    EXPECT_TRUE(is_martian(address("::1")));
    EXPECT_TRUE(is_martian(address("::ffff:192.0.2.1")));
    EXPECT_FALSE(is_martian(address("2001:db8::1")));
}

// RFC 4291 section 2.7.1 gives this example; appendix A the form of the identifier.
TEST(Ipv6Address, LeadsToItsGroupAndAMacToItsLinkLocalAddress) {
    const Ipv6Address group = solicited_node_group(address("4037::01:800:200e:8c6c"));
    EXPECT_EQ(group, address("ff02::1:ff0e:8c6c"));
    EXPECT_EQ(group_mac(group), (MacAddress{{0x33, 0x33, 0xFF, 0x0E, 0x8C, 0x6C}}));
    EXPECT_EQ(link_local_of(MacAddress{{0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE}}),
              address("fe80::3656:78ff:fe9a:bcde"));
}

TEST(Ipv6Prefix, KeepsNoHostBitsAndKnowsItsRange) {
    const Ipv6Prefix prefix{address("2001:db8::1:2"), 64};
    EXPECT_EQ(prefix.address(), address("2001:db8::"));
    EXPECT_EQ(address_of(prefix.last()), address("2001:db8::ffff:ffff:ffff:ffff"));
    EXPECT_TRUE(prefix.contains(address("2001:db8::99")));
    EXPECT_FALSE(prefix.contains(address("2001:db8:0:1::")));
    EXPECT_TRUE(Ipv6Prefix{}.contains(address("ff::")));
    const Ipv6Prefix host{address("2001:db8::1"), 128};
    EXPECT_EQ(host.first(), host.last());
    EXPECT_TRUE((Ipv6Prefix{address("2001:db8::"), 65}.contains(address("2001:db8::7fff:0:0:1"))));
    EXPECT_FALSE((Ipv6Prefix{address("2001:db8::"), 65}.contains(address("2001:db8::8000:0:0:1"))));
}

// An echo request from fe80::1 to ff02::1 whose checksum was computed by hand (RFC 8200 section
// 8.1): fe80 + 1 + ff02 + 1 + 8 + 3a + 8000 = 2_7dc6, folded 7dc8, complement 8237.
TEST(Ipv6Checksum, CoversThePseudoHeader) {
    std::array<std::byte, 8> message{std::byte{0x80}};
    const std::uint64_t pseudo = pseudo_header_sum(address("fe80::1"), address("ff02::1"), 58, 8);
    EXPECT_EQ(full_checksum(message, pseudo).host(), 0x8237);
}

TEST(Ipv6Header, ReadsItsFirstWord) {
    Ipv6Header header{};
    header.version_class_flow = ipv6_first_word(0xB8);
    EXPECT_EQ(header.version(), 6);
    EXPECT_EQ(header.traffic_class(), 0xB8);
    Ipv6FragmentHeader fragment{};
    fragment.offset_and_more = be16{std::uint16_t{1448 | 1}};
    EXPECT_EQ(fragment.offset_bytes(), 1448U);
    EXPECT_TRUE(fragment.more_fragments());
}

}  // namespace
}  // namespace towpath
