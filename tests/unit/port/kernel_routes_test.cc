// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/kernel_routes.h"

#include <gtest/gtest.h>

namespace towpath::port {
namespace {

constexpr const char* kTable =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "wan0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
    "wan0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    "wan01\t006433C6\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";

TEST(KernelRoutes, AreThoseOfTheDeviceAsTheKernelWritesThem) {
    const auto routes = parse_kernel_routes("wan0", kTable);
    ASSERT_EQ(routes.size(), 2U);
    EXPECT_EQ(to_string(routes[0]), "0.0.0.0/0 via 192.0.2.1");
    EXPECT_EQ(to_string(routes[1]), "192.0.2.0/24 on the link");
}

TEST(KernelRoutes, ALineThatIsNoneIsLeftOut) {
    EXPECT_TRUE(parse_kernel_routes("wan0", "").empty());
    EXPECT_TRUE(parse_kernel_routes("wan0", "wan0\t00000000\t010200C0\t0003\n").empty());
    EXPECT_TRUE(parse_kernel_routes("wan0", "wan0\tno\tnumber\t0003\t0\t0\t0\tFF\n").empty());
    EXPECT_TRUE(parse_kernel_routes("Iface", kTable).empty());
}

}  // namespace
}  // namespace towpath::port
