// SPDX-License-Identifier: BSD-3-Clause
// IPv4 addresses that the kernel has on a netdev: reading them, and moving them away while a port
// adopts them (decisions.md N9). Routes that hung on an address go with it and do not come back.
#pragma once

#include <string>
#include <vector>

#include "dataplane/packet/interface.h"
#include "dataplane/wire/address.h"

namespace towpath::port {

[[nodiscard]] std::vector<InterfaceAddress> kernel_addresses_of(const std::string& name);
// "192.0.2.10/24".
[[nodiscard]] std::string to_string(const InterfaceAddress& address);

// Each returns false when the kernel refuses.
[[nodiscard]] bool add_kernel_address(unsigned device_index, const InterfaceAddress& address);
[[nodiscard]] bool remove_kernel_address(unsigned device_index, const InterfaceAddress& address);

}  // namespace towpath::port
