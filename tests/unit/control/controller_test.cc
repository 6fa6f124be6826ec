// SPDX-License-Identifier: BSD-3-Clause
// What the controller says of itself while there is no data plane.
#include "control/loop/controller.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

namespace towpath::control {
namespace {

config::Config two_interfaces() {
    config::Config config;
    config::Interface lan;
    lan.name = "lan";
    lan.match.name = "lan0";
    lan.driver = config::Driver::af_packet;
    lan.addresses = {{Ipv4Address{0x0A4D0101}, {Ipv4Address{0x0A4D0100}, 24}}};
    config::Interface wan = lan;
    wan.name = "wan";
    wan.match.name = "wan0";
    wan.addresses = {{Ipv4Address{0xC000020A}, {Ipv4Address{0xC0000200}, 24}}};
    config.interfaces = {lan, wan};
    config.nat.is_enabled = true;
    config.nat.inside = {"lan"};
    config.nat.outside = "wan";
    config.nat.pool = {{"wan", {}, {}}};
    const Ipv6Address own = *parse_ipv6_address("2001:db8:1::1");
    config.interfaces[0].ipv6_addresses = {{own, {own, 64}}};
    return config;
}

TEST(Controller, WithoutADataPlaneInterfacesAreWhatTheConfigurationSaysAndDown) {
    boost::asio::io_context loop;
    const Controller controller{loop,
                                {.config_file = "/nonexistent",
                                 .contract_socket = "/nonexistent",
                                 .instance = "test",
                                 .state_directory = "/nonexistent"},
                                two_interfaces()};
    const std::vector<InterfaceModel> interfaces = controller.interfaces();
    ASSERT_EQ(interfaces.size(), 2U);
    EXPECT_EQ(interfaces[0].name, "lan");
    EXPECT_EQ(interfaces[0].role, "inside");
    EXPECT_EQ(interfaces[0].driver, "af_packet");
    EXPECT_EQ(interfaces[0].addresses,
              (std::vector<std::string>{"10.77.1.1/24", "2001:db8:1::1/64"}));
    EXPECT_EQ(interfaces[1].role, "outside");
    EXPECT_EQ(interfaces[1].addresses, std::vector<std::string>{"192.0.2.10/24"});
    for (const InterfaceModel& interface : interfaces) {
        EXPECT_FALSE(interface.is_up);
        EXPECT_FALSE(interface.is_reported);
    }
    EXPECT_EQ(controller.status().dataplane, DataplaneLink::disconnected);
}

}  // namespace
}  // namespace towpath::control
