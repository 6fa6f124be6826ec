// SPDX-License-Identifier: BSD-3-Clause
// Devices by interface, as workers reach them. Written by the thread that opens and closes devices;
// a null entry is an interface that is gone (decisions.md N12). Whoever clears an entry waits until
// every worker has passed a quiescent point before it destroys the device.
#pragma once

#include <array>
#include <atomic>

#include "dataplane/packet/interface.h"
#include "dataplane/port/host_tap.h"
#include "dataplane/port/port.h"

namespace towpath::worker {

class PortTable {
public:
    [[nodiscard]] port::Port* port(InterfaceId id) const noexcept {
        return ports_[static_cast<std::size_t>(id)].load(std::memory_order_acquire);
    }
    [[nodiscard]] port::HostTap* host(InterfaceId id) const noexcept {
        return hosts_[static_cast<std::size_t>(id)].load(std::memory_order_acquire);
    }
    void set_port(InterfaceId id, port::Port* port) noexcept {
        ports_[static_cast<std::size_t>(id)].store(port, std::memory_order_release);
    }
    void set_host(InterfaceId id, port::HostTap* host) noexcept {
        hosts_[static_cast<std::size_t>(id)].store(host, std::memory_order_release);
    }

private:
    std::array<std::atomic<port::Port*>, kInterfacesMax> ports_{};
    std::array<std::atomic<port::HostTap*>, kInterfacesMax> hosts_{};
};

}  // namespace towpath::worker
