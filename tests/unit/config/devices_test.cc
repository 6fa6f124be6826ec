// SPDX-License-Identifier: BSD-3-Clause
// A device that is named and not there is a warning where it stands, never an error.
#include <gtest/gtest.h>

#include <fstream>
#include <optional>

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
    const Loaded loaded = load_text(kTwo, read_file, [](const Interface& interface) {
        return interface.match.name == "lan0" ? std::optional{Device{}} : std::nullopt;
    });
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
        read_file, [](const Interface&) { return std::optional<Device>{}; });
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
    EXPECT_TRUE(
        find_device(matched(Driver::af_packet, {.name = "lo", .pci = "", .mac = {}})).has_value());
    EXPECT_FALSE(
        find_device(matched(Driver::af_packet, {.name = "no-such-one", .pci = "", .mac = {}}))
            .has_value());
    const MacAddress nobody{{0x02, 0xde, 0xad, 0xbe, 0xef, 0x01}};
    EXPECT_FALSE(
        find_device(matched(Driver::af_xdp, {.name = "", .pci = "", .mac = nobody})).has_value());
    EXPECT_FALSE(find_device(matched(Driver::pci, {.name = "", .pci = "ffff:ff:1f.7", .mac = {}}))
                     .has_value());
}

// Where no MTU is written the device's counts if the network made it smaller, and never one that
// IPv6 could not live with; where one is written that is meant.
TEST(Devices, TheirSmallerMtuIsTheDefault) {
    const auto mtu_with = [](std::string_view more, std::uint16_t device_mtu_bytes) {
        const std::string text =
            "version: 1\ninterfaces: {wan: {match: {name: wan0}, driver: af_packet, " +
            std::string{more} + "}}\n";
        const Loaded loaded = load_text(text, read_file, [&](const Interface&) {
            return std::optional{Device{device_mtu_bytes}};
        });
        EXPECT_TRUE(loaded.is_valid()) << to_string(loaded.diagnostics, "f");
        return loaded.config.interfaces.at(0).mtu_bytes;
    };
    constexpr std::string_view kPlain = "addresses: [192.0.2.10/24]";
    EXPECT_EQ(mtu_with(kPlain, 1460), 1460);
    EXPECT_EQ(mtu_with(kPlain, 1500), 1500);
    EXPECT_EQ(mtu_with(kPlain, 9000), 1500);
    EXPECT_EQ(mtu_with(kPlain, 0), 1500);  // cannot be told
    EXPECT_EQ(mtu_with(kPlain, kMtuLeast_bytes), kMtuLeast_bytes);
    EXPECT_EQ(mtu_with(kPlain, kMtuLeast_bytes - 1), 1500);
    EXPECT_EQ(mtu_with("mtu: 1500, addresses: [192.0.2.10/24]", 1460), 1500);
    EXPECT_EQ(mtu_with("mtu: 9000, addresses: [192.0.2.10/24]", 1460), 9000);
    EXPECT_EQ(mtu_with("addresses: [2001:db8::1/64]", 1280), 1280);
    EXPECT_EQ(mtu_with("addresses: [2001:db8::1/64]", 1279), 1500);
}

TEST(Devices, TheMtuIsTheKernels) {
    const auto loopback =
        find_device(matched(Driver::af_packet, {.name = "lo", .pci = "", .mac = {}}));
    ASSERT_TRUE(loopback.has_value());
    std::ifstream file{"/sys/class/net/lo/mtu"};
    std::uint32_t mtu_bytes = 0;
    ASSERT_TRUE(file >> mtu_bytes);
    EXPECT_EQ(loopback->mtu_bytes, mtu_bytes <= 65535 ? mtu_bytes : 0);
}

// A TAP is made, files and memory have no device, and a driver may have taken what had the MAC.
TEST(Devices, AreNotMissedWhereItCannotBeTold) {
    const MacAddress nobody{{0x02, 0xde, 0xad, 0xbe, 0xef, 0x01}};
    EXPECT_TRUE(find_device(matched(Driver::tap, {.name = "no-such-one", .pci = "", .mac = {}}))
                    .has_value());
    EXPECT_TRUE(find_device(matched(Driver::memif, {})).has_value());
    EXPECT_TRUE(find_device(matched(Driver::automatic, {.name = "", .pci = "", .mac = nobody}))
                    .has_value());
}

}  // namespace
}  // namespace towpath::config
