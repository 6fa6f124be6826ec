// SPDX-License-Identifier: BSD-3-Clause
// A device that frames come from and go to, whichever driver moves them: one owning handle over all
// drivers. Not an interface: addresses and roles are in packet/interface.h.
//
// receive and transmit: one thread per (direction, queue), any queue at the same time as any other,
// no lock, no blocking, no allocation beyond packets from the pool. Everything else: the thread
// that opened the port, while the queues rest or not; statistics and is_up from any thread.
// Closing (destruction): no thread is in receive or transmit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "dataplane/dpdk/packet_pool.h"
#include "dataplane/packet/packet.h"
#include "dataplane/port/request.h"
#include "dataplane/wire/address.h"
#include "dataplane/wire/result.h"

namespace towpath::port {

class AfPacketPort;
class AfXdpPort;
class EthdevPort;

class Port {
public:
    // `pool` outlives the port. Fails with port_unavailable, no_permission, no_memory, refused or
    // address_in_use and one sentence that names the interface; nothing is left behind then.
    [[nodiscard]] static Outcome<Port> open(const PortRequest& request, dpdk::PacketPool& pool);

    Port(Port&&) noexcept;
    Port& operator=(Port&&) noexcept;
    // Stops the device and gives it back to the kernel as it was.
    ~Port();

    // The driver that was chosen; never `automatic`.
    [[nodiscard]] Driver driver() const noexcept { return driver_; }
    [[nodiscard]] std::uint16_t receive_queue_count() const noexcept;
    [[nodiscard]] std::uint16_t transmit_queue_count() const noexcept;
    [[nodiscard]] MacAddress mac() const noexcept;
    [[nodiscard]] std::uint16_t mtu_bytes() const noexcept;
    // Asks the device: a system call at worst. For start, status and the link watcher.
    [[nodiscard]] bool is_up() const noexcept;
    // The kernel's netdev of that name is held by this port; empty for pci, memif, pcap.
    [[nodiscard]] const std::string& kernel_name() const noexcept { return kernel_name_; }

    // Writes up to out.size() packets, all fields of each: window, capacity, handle, nothing else
    // set but `verdict`, which is already l2_oversize or multi_segment when the driver knows that
    // the bytes are not one whole frame: parse drops such a packet. A frame longer than the buffer
    // is cut to it and is then longer than any MTU. Partial checksums have been completed (N7).
    [[nodiscard]] std::size_t receive(std::uint16_t queue, std::span<Packet> out) noexcept;
    // Takes the first n of `packets`, which the driver will release, and returns n. The caller
    // keeps the others. Packets to one queue leave in order.
    [[nodiscard]] std::size_t transmit(std::uint16_t queue,
                                       std::span<const Packet> packets) noexcept;
    // Starts what transmit has only queued; called once after the last transmit of a round. False:
    // the device was busy and something still waits, so call again.
    [[nodiscard]] bool flush(std::uint16_t queue) noexcept;

    // The interface's addresses have changed: drivers that leave traffic to the kernel by
    // destination (af_xdp) follow, for others it means nothing. `speaks_ipv6`: IPv6 is for us.
    // Fails with a sentence.
    [[nodiscard]] Outcome<void> set_own_addresses(std::span<const Ipv4Address> addresses,
                                                  bool speaks_ipv6);

    // Descriptors that are readable when `queue` may have packets; appends nothing when the driver
    // cannot be slept on, and the caller then naps instead. Valid until the port closes.
    void append_descriptors(std::uint16_t queue, std::vector<int>& descriptors) const;

    [[nodiscard]] PortStatistics statistics() const noexcept;
    // What was asked for and not had: "wan: one receive queue instead of 4 ...". A sentence each.
    [[nodiscard]] const std::vector<std::string>& notes() const noexcept { return notes_; }

private:
    using Device = std::variant<std::unique_ptr<AfPacketPort>, std::unique_ptr<AfXdpPort>,
                                std::unique_ptr<EthdevPort>>;
    Port(Device device, Driver driver, std::string kernel_name, std::vector<std::string> notes);

    Device device_;
    Driver driver_;
    std::string kernel_name_;
    std::vector<std::string> notes_;
};

// The PCI addresses that EalRequest must name for these ports; a port that is not (or cannot be
// told to be) a PCI device bound to user space adds nothing: opening it later says why.
[[nodiscard]] std::vector<std::string> pci_addresses_of(std::span<const PortRequest> requests);

}  // namespace towpath::port
