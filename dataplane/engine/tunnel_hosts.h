// SPDX-License-Identifier: BSD-3-Clause
// The host's side of the tunnels: a TUN device of each tunnel's name that carries its addresses, so
// that ping and the host's services work through it (decisions.md W10). One thread at a time.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/contract/world_state.h"
#include "dataplane/engine/generation_builder.h"
#include "dataplane/engine/host_side.h"
#include "dataplane/port/host_tap.h"
#include "dataplane/worker/port_table.h"

namespace towpath::engine {

class TunnelHosts {
public:
    // `pool` and `table` outlive the hosts.
    TunnelHosts(const contract::StartSettings& start, dpdk::PacketPool& pool,
                worker::PortTable& table);
    // No worker runs any more.
    ~TunnelHosts();
    TunnelHosts(const TunnelHosts&) = delete;
    TunnelHosts& operator=(const TunnelHosts&) = delete;

    // Called after a device entered the table: returns when every worker listens to it.
    void set_settle(std::function<void()> settle) { settle_ = std::move(settle); }
    // Makes the devices of the tunnels that `world` uses, and gives them its addresses and routes.
    // What could not be had is in notes().
    void follow(const contract::World& world);
    [[nodiscard]] std::vector<std::string> notes() const;

    // Forgets devices that somebody deleted. True if there were any, or are any that `world` uses
    // still to be made: follow() makes them.
    [[nodiscard]] bool lose_hosts(const contract::World& world);

    // Writes what is known of each tunnel at its interface id; how many there are.
    std::size_t append_facts(const contract::World& world,
                             std::array<DeviceFacts, kInterfacesMax>& facts) const;

private:
    struct Tunnel {
        std::string name;
        HostSide host;
    };
    [[nodiscard]] port::HostTapRequest request_of(std::size_t position,
                                                  const contract::World& world) const;
    void follow_one(std::size_t position, const contract::World& world);

    std::uint8_t first_id_;
    std::vector<Tunnel> tunnels_;
    dpdk::PacketPool& pool_;
    worker::PortTable& table_;
    std::function<void()> settle_;
    std::vector<std::string> notes_;
};

}  // namespace towpath::engine
