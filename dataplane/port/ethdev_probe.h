// SPDX-License-Identifier: BSD-3-Clause
// From a port request to a device of DPDK: which PCI device is meant and whether it may be used,
// which arguments a virtual device is made with.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/port/request.h"
#include "dataplane/wire/result.h"

namespace towpath::port {

// A device that DPDK can be told to add: its bus, its name there and its arguments.
struct DeviceAddress {
    std::string bus;   // "pci" or "vdev"
    std::string name;  // "0000:00:04.0", "net_memif_lan"
    std::string arguments;
};

// refused, usage or port_unavailable, one sentence that says what to do.
[[nodiscard]] Outcome<DeviceAddress> device_address_of(const PortRequest& request);

// "0000:00:04.0" when the request's match names a PCI device: by address, by the kernel's name of
// its netdev, or by the name that udev would give it ("enp0s4", "enp1s0f1") when no netdev is left.
[[nodiscard]] std::optional<std::string> pci_address_of(const PortMatch& match);
[[nodiscard]] std::optional<std::string> pci_address_of_udev_name(std::string_view name);

// Whether a kernel driver of that name leaves the device to user space, and what to say if not.
[[nodiscard]] bool is_user_space_driver(std::string_view driver) noexcept;
[[nodiscard]] std::string binding_sentence(const std::string& interface_name,
                                           const std::string& pci_address,
                                           const std::string& driver);

// Ethernet devices on the PCI bus that are bound to a user-space driver.
[[nodiscard]] std::vector<std::string> bound_pci_addresses();

}  // namespace towpath::port
