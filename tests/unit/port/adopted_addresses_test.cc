// SPDX-License-Identifier: BSD-3-Clause
// The record of adopted addresses: read back as written, believed only of the same device.
#include "dataplane/port/adopted_addresses.h"

#include <gtest/gtest.h>

#include "dataplane/port/kernel_address.h"

namespace towpath::port {
namespace {

TEST(AdoptedAddressesText, IsReadBackAsItWasWritten) {
    const std::string text = "7\n192.0.2.10/24\n198.51.100.1/32\n";
    const auto addresses = parse_adopted(7, text);
    ASSERT_EQ(addresses.size(), 2U);
    EXPECT_EQ(to_string(addresses[0]), "192.0.2.10/24");
    EXPECT_EQ(to_string(addresses[1]), "198.51.100.1/32");
    EXPECT_EQ(adopted_text(7, addresses), text);
}

TEST(AdoptedAddressesText, OfAnotherDeviceOrDamagedIsNotBelieved) {
    for (const char* bad :
         {"", "8\n192.0.2.10/24\n", "7", "7x\n192.0.2.10/24\n", "7\n192.0.2.10\n",
          "7\n192.0.2.10/33\n", "7\n192.0.2.10/24x\n", "7\n192.0.2.10/24\n\n", "7\n192.0.2/24\n"}) {
        EXPECT_TRUE(parse_adopted(7, bad).empty()) << bad;
    }
}

}  // namespace
}  // namespace towpath::port
