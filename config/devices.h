// SPDX-License-Identifier: BSD-3-Clause
// The devices that a configuration names, as they are on the machine that asks. Not part of what
// makes a configuration valid: it may be checked elsewhere, and a device may come later.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "config/config.h"

namespace towpath::config {

struct Device {
    std::uint16_t mtu_bytes = 0;  // 0: cannot be told
};

// The device of this interface; nothing: it is not there. Empty: nobody looks.
using FindDevice = std::function<std::optional<Device>(const Interface&)>;

// In this network namespace, for kernel devices; on the bus, for those by PCI address. A device of
// which nothing is known where it cannot be told: drivers without a device, and a MAC when the
// kernel lists no devices or the driver may have taken the device from it.
[[nodiscard]] std::optional<Device> find_device(const Interface& interface);

// The MTU of an interface for which none is written: its device's, where the network has made that
// smaller than the default (PPPoE, clouds with tunnels below). A larger one has to be asked for,
// because packet memory is sized by it.
[[nodiscard]] std::uint16_t default_mtu_bytes(const Interface& interface, const Device& device);

}  // namespace towpath::config
