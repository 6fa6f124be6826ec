// SPDX-License-Identifier: BSD-3-Clause
// Keeps the host's own sockets to the ports that no mapping gets (decisions.md N10): while this
// lives, net.ipv4.ip_local_port_range is the host-ports range. What it was before is kept in a file
// of the run directory, so a process that was killed is made good by the next one.
#pragma once

#include <cstdint>
#include <string>

#include "dataplane/wire/result.h"

namespace towpath::port {

struct PortRange {
    std::uint16_t first = 61000;
    std::uint16_t last = 65535;  // inclusive
    friend bool operator==(PortRange, PortRange) noexcept = default;
};

// Two numbers as the kernel writes them: "32768\t60999\n". bad_value for anything else, also for
// first > last or a first of 0.
[[nodiscard]] Result<PortRange> parse_port_range(const std::string& text) noexcept;

struct HostPortsRequest {
    PortRange range;
    std::string saved_file;  // in the run directory
    std::string setting_file = "/proc/sys/net/ipv4/ip_local_port_range";
};

class HostPorts {
public:
    // no_permission or failed, with a sentence; the setting is then as it was.
    [[nodiscard]] static Outcome<HostPorts> reserve(const HostPortsRequest& request);

    HostPorts(HostPorts&& other) noexcept;
    HostPorts& operator=(HostPorts&&) = delete;
    // Restores what was there and removes the file.
    ~HostPorts();

    [[nodiscard]] PortRange original() const noexcept { return original_; }

private:
    HostPorts(HostPortsRequest request, PortRange original)
        : request_{std::move(request)}, original_{original} {}

    HostPortsRequest request_;
    PortRange original_;
    bool is_held_ = true;
};

}  // namespace towpath::port
