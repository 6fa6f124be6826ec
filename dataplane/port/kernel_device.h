// SPDX-License-Identifier: BSD-3-Clause
// A netdev of the kernel in the network namespace of the calling thread: finding it, and the few
// settings that a port reads or changes. Not a watcher: every call asks the kernel again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/port/request.h"
#include "dataplane/wire/address.h"
#include "dataplane/wire/result.h"

namespace towpath::port {

struct KernelDevice {
    std::string name;
    unsigned index = 0;
    MacAddress mac;
    std::uint16_t mtu_bytes = 0;  // at most 65535
};

// The netdev that `match` means, or nothing.
[[nodiscard]] std::optional<KernelDevice> find_kernel_device(const PortMatch& match);
// As above; port_unavailable with a sentence when there is none.
[[nodiscard]] Outcome<KernelDevice> require_kernel_device(const PortRequest& request);

// Administratively up, and with carrier.
[[nodiscard]] bool is_running(const std::string& name) noexcept;
[[nodiscard]] bool is_administratively_up(const std::string& name) noexcept;
// Each returns false when the kernel refuses.
[[nodiscard]] bool set_administratively_up(const std::string& name, bool up) noexcept;
[[nodiscard]] bool set_mtu(const std::string& name, std::uint16_t mtu_bytes) noexcept;
// Tells the operator what set_mtu() changed: it stays so when the port is closed.
[[nodiscard]] std::string mtu_change(const PortRequest& request, const KernelDevice& device);

// What merges frames at receive: a port wants each off.
enum class ReceiveMerge : std::uint8_t { generic, large };
[[nodiscard]] bool is_merging(const std::string& name, ReceiveMerge kind) noexcept;
[[nodiscard]] bool set_merging(const std::string& name, ReceiveMerge kind, bool on) noexcept;

// False when IPv6 is off on the device or not in the kernel.
[[nodiscard]] bool has_ipv6(const std::string& name);
void set_ipv6(const std::string& name, bool on);

}  // namespace towpath::port
