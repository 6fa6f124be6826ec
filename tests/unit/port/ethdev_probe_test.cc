// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/ethdev_probe.h"

#include <gtest/gtest.h>

namespace towpath::port {
namespace {

TEST(PciAddress, IsReadFromTheNamesThatUdevGives) {
    EXPECT_EQ(pci_address_of_udev_name("enp0s4"), "0000:00:04.0");
    EXPECT_EQ(pci_address_of_udev_name("enp129s31f7"), "0000:81:1f.7");
    for (const char* other : {"eth0", "enp", "enp0", "enp0s", "enp0s32", "enp256s0", "enp0s4f8",
                              "enp0s4f", "enp0s4np0", "ens4", "enp0s-1"}) {
        EXPECT_FALSE(pci_address_of_udev_name(other).has_value()) << other;
    }
}

TEST(PciAddress, OfADeviceThatTheKernelHoldsSaysWhatToRun) {
    EXPECT_FALSE(is_user_space_driver("virtio-pci"));
    EXPECT_TRUE(is_user_space_driver("uio_pci_generic"));
    EXPECT_TRUE(is_user_space_driver("mlx5_core"));
    EXPECT_EQ(binding_sentence("wan", "0000:00:04.0", "virtio-pci"),
              "wan: 0000:00:04.0 is bound to virtio-pci, not to vfio-pci, uio_pci_generic or "
              "igb_uio: run dpdk-devbind.py --bind=vfio-pci 0000:00:04.0");
}

TEST(PciAddress, OfADeviceThatDoesNotExistIsRefusedByName) {
    PortRequest request{.name = "wan", .driver = Driver::pci};
    request.match.pci_address = "0000:ff:1f.7";
    const auto address = device_address_of(request);
    ASSERT_FALSE(address.has_value());
    EXPECT_EQ(address.error().exit_code, ExitCode::port_unavailable);
    EXPECT_EQ(address.error().sentence, "wan: there is no PCI device 0000:ff:1f.7");
}

TEST(MemifAddress, NamesRoleSocketAndId) {
    PortRequest request{.name = "lan", .driver = Driver::memif};
    request.memif = {.socket_path = "/tmp/lan.sock", .id = 7, .is_server = false};
    const auto address = device_address_of(request);
    ASSERT_TRUE(address.has_value()) << address.error().sentence;
    EXPECT_EQ(address->bus, "vdev");
    EXPECT_EQ(address->name, "net_memif_lan");
    EXPECT_EQ(address->arguments, "role=client,id=7,socket=/tmp/lan.sock,socket-abstract=no");
}

TEST(MemifAddress, RefusesASocketThatCannotBe) {
    PortRequest request{.name = "lan", .driver = Driver::memif};
    request.memif.socket_path = "/nowhere/at/all/lan.sock";
    EXPECT_EQ(device_address_of(request).error().exit_code, ExitCode::port_unavailable);
    request.memif.socket_path = "/tmp/" + std::string(102, 's');
    EXPECT_TRUE(device_address_of(request).has_value());
    request.memif.socket_path += "s";
    EXPECT_EQ(device_address_of(request).error().exit_code, ExitCode::usage);
    // A comma would be read as another argument.
    request.memif.socket_path = "/tmp/a,id=9";
    EXPECT_EQ(device_address_of(request).error().exit_code, ExitCode::usage);
}

TEST(PcapAddress, RefusesNoFileAndAMissingFile) {
    PortRequest request{.name = "lan", .driver = Driver::pcap};
    EXPECT_EQ(device_address_of(request).error().exit_code, ExitCode::usage);
    request.pcap.receive_file = "/nowhere/in.pcap";
    EXPECT_EQ(device_address_of(request).error().sentence,
              "lan: there is no capture file /nowhere/in.pcap");
}

}  // namespace
}  // namespace towpath::port
