// SPDX-License-Identifier: BSD-3-Clause
// What an address is to us, behind the filter that answers for strangers.
#include "dataplane/route/local_policy.h"

#include <gtest/gtest.h>

namespace towpath::route {
namespace {

TEST(LocalPolicy, TheFilterHidesNoAddressHoweverManyThereAre) {
    for (const std::uint32_t count : {1U, 80U, 4096U}) {
        LocalSettings settings;
        for (std::uint32_t position = 0; position < count; ++position) {
            settings.pool.emplace_back(0xC6336400U + position);
        }
        const LocalPolicy policy{settings, InterfaceTable{}};
        for (const Ipv4Address address : settings.pool) {
            ASSERT_FALSE(policy.is_stranger(address)) << to_string(address);
            ASSERT_TRUE(policy.use_of(address).is_pool) << to_string(address);
            ASSERT_FALSE(policy.use_of(address).is_own) << to_string(address);
        }
        for (std::uint32_t position = 0; position < 65536; ++position) {
            ASSERT_FALSE(policy.use_of(Ipv4Address{0x0A4D0000U + position}).is_ours());
        }
    }
}

TEST(LocalPolicy, FewOfTheStrangersPassTheFilter) {
    LocalSettings settings;
    for (std::uint32_t position = 0; position < 80; ++position) {
        settings.pool.emplace_back(0xC6336400U + position);
    }
    const LocalPolicy policy{settings, InterfaceTable{}};
    std::size_t passed = 0;
    for (std::uint32_t position = 0; position < 65536; ++position) {
        passed += policy.is_stranger(Ipv4Address{0x0A4D0000U + position}) ? 0U : 1U;
    }
    EXPECT_LT(passed, 65536U / 25);
}

TEST(LocalPolicy, AnAddressMayBeSeveralThings) {
    InterfaceTable interfaces;
    interfaces.count = 1;
    Interface& wan = interfaces.storage[0];
    wan.address_count = 1;
    wan.address_storage[0] = {Ipv4Address{0xC000020AU}, Ipv4Prefix{Ipv4Address{0xC0000200U}, 24}};
    LocalSettings settings;
    settings.pool = {Ipv4Address{0xC000020AU}};
    const LocalPolicy policy{settings, interfaces};
    const AddressUse shared = policy.use_of(Ipv4Address{0xC000020AU});
    EXPECT_TRUE(shared.is_own && shared.is_pool && !shared.is_broadcast);
    const AddressUse broadcast = policy.use_of(Ipv4Address{0xC00002FFU});
    EXPECT_TRUE(broadcast.is_broadcast && !broadcast.is_ours());
    EXPECT_FALSE(policy.use_of(Ipv4Address{0xC000020BU}).is_ours());
}

}  // namespace
}  // namespace towpath::route
