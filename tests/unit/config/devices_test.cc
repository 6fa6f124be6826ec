// SPDX-License-Identifier: BSD-3-Clause
// A device that is named and not there is a warning where it stands, never an error.
#include <gtest/gtest.h>

#include "config/devices.h"
#include "config/load.h"

namespace towpath::config {
namespace {

constexpr std::string_view kTwo =
    "version: 1\n"
    "interfaces:\n"
    "  lan: {match: {name: lan0}, driver: af_packet, addresses: [10.77.1.1/24]}\n"
    "  wan: {match: {name: wan7}, driver: af_packet, addresses: [192.0.2.10/24]}\n";

TEST(Devices, OneThatIsNotThereIsAWarningAndNamed) {
    const Loaded loaded = load_text(
        kTwo, read_file, [](const Interface& interface) { return interface.match.name == "lan0"; });
    EXPECT_TRUE(loaded.is_valid());
    EXPECT_EQ(to_string(loaded.diagnostics, "f"),
              "f:4:9: warning: interfaces.wan.match: this machine has no device wan7 now\n");
}

TEST(Devices, NobodyLooksUnlessAsked) {
    EXPECT_TRUE(load_text(kTwo).diagnostics.empty());
}

TEST(Devices, AreNamedByWhatTheyAreMatchedBy) {
    const Loaded loaded = load_text(
        "version: 1\n"
        "interfaces:\n"
        "  lan: {match: {mac: \"02:00:00:00:00:01\"}, driver: af_xdp, addresses: [10.77.1.1/24]}\n"
        "  wan: {match: {pci: \"0000:3b:00.0\"}, addresses: [192.0.2.10/24]}\n",
        read_file, [](const Interface&) { return false; });
    EXPECT_EQ(
        to_string(loaded.diagnostics, "f"),
        "f:3:9: warning: interfaces.lan.match: this machine has no device 02:00:00:00:00:01 "
        "now\n"
        "f:4:9: warning: interfaces.wan.match: this machine has no device 0000:3b:00.0 now\n");
}

Interface matched(Driver driver, const Match& match) {
    Interface interface;
    interface.driver = driver;
    interface.match = match;
    return interface;
}

TEST(Devices, AreLookedUpInTheKernel) {
    EXPECT_TRUE(is_device_here(matched(Driver::af_packet, {.name = "lo", .pci = "", .mac = {}})));
    EXPECT_FALSE(
        is_device_here(matched(Driver::af_packet, {.name = "no-such-one", .pci = "", .mac = {}})));
    const MacAddress nobody{{0x02, 0xde, 0xad, 0xbe, 0xef, 0x01}};
    EXPECT_FALSE(is_device_here(matched(Driver::af_xdp, {.name = "", .pci = "", .mac = nobody})));
    EXPECT_FALSE(
        is_device_here(matched(Driver::pci, {.name = "", .pci = "ffff:ff:1f.7", .mac = {}})));
}

// A TAP is made, files and memory have no device, and a driver may have taken what had the MAC.
TEST(Devices, AreNotMissedWhereItCannotBeTold) {
    const MacAddress nobody{{0x02, 0xde, 0xad, 0xbe, 0xef, 0x01}};
    EXPECT_TRUE(
        is_device_here(matched(Driver::tap, {.name = "no-such-one", .pci = "", .mac = {}})));
    EXPECT_TRUE(is_device_here(matched(Driver::memif, {})));
    EXPECT_TRUE(is_device_here(matched(Driver::automatic, {.name = "", .pci = "", .mac = nobody})));
}

}  // namespace
}  // namespace towpath::config
