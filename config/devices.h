// SPDX-License-Identifier: BSD-3-Clause
// Whether the devices that a configuration names are on the machine that asks. Not part of what
// makes a configuration valid: it may be checked elsewhere, and a device may come later.
#pragma once

#include <functional>

#include "config/config.h"

namespace towpath::config {

// Whether the device of this interface is there. Empty: nobody looks.
using FindDevice = std::function<bool(const Interface&)>;

// In this network namespace, for kernel devices; on the bus, for those by PCI address. True also
// where it cannot be told: drivers without a device, and a MAC when the kernel lists no devices or
// the driver may have taken the device from it.
[[nodiscard]] bool is_device_here(const Interface& interface);

}  // namespace towpath::config
