// SPDX-License-Identifier: BSD-3-Clause
// Every device of the data plane: ports and the host side of each, opened at start, closed when the
// kernel takes one away and opened again when it returns (decisions.md N10, N12). Not the packet
// path: workers reach devices through the PortTable that this class fills. One thread at a time.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/contract/lifecycle.h"
#include "dataplane/engine/generation_builder.h"
#include "dataplane/engine/host_side.h"
#include "dataplane/port/host_tap.h"
#include "dataplane/port/link_watch.h"
#include "dataplane/port/port.h"
#include "dataplane/worker/port_table.h"
#include "dataplane/worker/queue_plan.h"

namespace towpath::engine {

class Devices {
public:
    // Opens all ports or none. `pool` and `table` outlive the devices.
    [[nodiscard]] static Outcome<std::unique_ptr<Devices>> open(
        std::vector<port::PortRequest> requests, dpdk::PacketPool& pool, worker::PortTable& table);
    // No worker runs any more.
    ~Devices();
    Devices(const Devices&) = delete;
    Devices& operator=(const Devices&) = delete;

    [[nodiscard]] std::size_t count() const noexcept { return requests_.size(); }
    [[nodiscard]] const port::PortRequest& request(std::size_t id) const noexcept {
        return requests_[id];
    }
    // Null while the device is away.
    [[nodiscard]] const port::Port* port(std::size_t id) const noexcept {
        return ports_[id].has_value() ? &*ports_[id] : nullptr;
    }
    // As they were at start; a device that returns with fewer stays away.
    [[nodiscard]] const std::vector<worker::PortQueues>& queues() const noexcept { return queues_; }
    [[nodiscard]] const std::array<DeviceFacts, kInterfacesMax>& facts() const noexcept {
        return facts_;
    }

    // Called after a device left the table or entered it: returns when no worker uses what left.
    void set_settle(std::function<void()> settle) { settle_ = std::move(settle); }

    // Opens the host sides that drivers need (decisions.md N10); those that are open stay the same
    // netdevs and get the addresses and routes of `world`. What could not be had is in notes().
    void set_host_addresses(const contract::World& world);

    // Forgets host sides that somebody deleted. True if there were any, or are any still to be
    // made: set_host_addresses() makes them.
    [[nodiscard]] bool lose_hosts();

    // Ports whose netdev we make ourselves, and somebody deleted. True when facts() changed.
    [[nodiscard]] bool make_taps_again();

    // Asks every device that no netdev of the kernel speaks for. True when facts() changed.
    [[nodiscard]] bool poll_links();
    // What the kernel says of a link. True when facts() changed.
    [[nodiscard]] bool handle(const port::LinkEvent& event);

    // What runs degraded, a sentence each: of port `id`.
    [[nodiscard]] std::vector<std::string> notes(std::size_t id) const;

private:
    Devices(std::vector<port::PortRequest> requests, dpdk::PacketPool& pool,
            worker::PortTable& table);
    [[nodiscard]] Outcome<void> open_one(std::size_t id);
    void tell_port(std::size_t id, const contract::InterfaceSet& set);
    [[nodiscard]] bool has_port_with_host(std::size_t id) const;
    [[nodiscard]] port::HostTapRequest host_request(std::size_t id,
                                                    const contract::World& world) const;
    void open_host(std::size_t id, const contract::World& world);
    [[nodiscard]] bool remove(std::size_t id);
    [[nodiscard]] bool reopen(std::size_t id);
    [[nodiscard]] bool refresh(std::size_t id);
    [[nodiscard]] std::optional<std::size_t> find(const std::string& kernel_name) const;

    std::vector<port::PortRequest> requests_;
    dpdk::PacketPool& pool_;
    worker::PortTable& table_;
    std::array<std::optional<port::Port>, kInterfacesMax> ports_;
    std::array<HostSide, kInterfacesMax> hosts_;
    std::array<std::vector<std::string>, kInterfacesMax> host_notes_;
    std::array<std::string, kInterfacesMax> away_notes_;  // why there is no port
    std::array<DeviceFacts, kInterfacesMax> facts_{};
    std::array<std::string, kInterfacesMax> kernel_names_;
    std::function<void()> settle_;
    std::vector<worker::PortQueues> queues_;
};

}  // namespace towpath::engine
