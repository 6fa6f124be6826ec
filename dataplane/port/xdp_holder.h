// SPDX-License-Identifier: BSD-3-Clause
// Who holds the XDP hook of a netdev, and clearing it when that is a leftover of ours. For
// XdpFilter.
#pragma once

#include <string>

#include "dataplane/port/kernel_device.h"
#include "dataplane/wire/result.h"

namespace towpath::port {

// Leaves the hook empty, or fails with address_in_use and the name of what is there. `program` is
// ours, loaded: what has its name and tag is a leftover and is detached, unless a live process
// holds the link that attached it; a process that is ending is waited for, a fifth of a second at
// most.
[[nodiscard]] Outcome<void> clear_stale_program(const std::string& interface_name,
                                                const KernelDevice& device, int program);

}  // namespace towpath::port
