// SPDX-License-Identifier: BSD-3-Clause
// Driver `af_xdp`: frames of a kernel netdev through AF_XDP sockets, chosen by our own XDP program
// (decisions.md N8). The netdev stays the kernel's: it keeps its addresses and the traffic that the
// program leaves to it, so there is no TAP (N10). Every receive queue of the kernel is bound, or
// open fails and says which; zero copy is tried first.
//
// With kernel addresses on the netdev both the kernel and the data plane need ARP: the program then
// leaves it to the kernel, and queue 0 reads a copy from a small packet ring. Towpath puts no
// address on the netdev: services of the host are reached on those that the operator gave it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataplane/dpdk/packet_pool.h"
#include "dataplane/packet/counters.h"
#include "dataplane/packet/packet.h"
#include "dataplane/port/kernel_device.h"
#include "dataplane/port/packet_ring.h"
#include "dataplane/port/request.h"
#include "dataplane/port/xdp_filter.h"
#include "dataplane/port/xsk_queue.h"

namespace towpath::port {

inline constexpr std::uint32_t kXskQueuesMax = 64;

class AfXdpPort {
public:
    // Appends to `notes` what was asked for and not had.
    [[nodiscard]] static Outcome<std::unique_ptr<AfXdpPort>> open(const PortRequest& request,
                                                                  dpdk::PacketPool& pool,
                                                                  std::vector<std::string>& notes);

    [[nodiscard]] std::uint16_t receive_queue_count() const noexcept {
        return static_cast<std::uint16_t>(queues_.size());
    }
    [[nodiscard]] std::uint16_t transmit_queue_count() const noexcept {
        return static_cast<std::uint16_t>(queues_.size());
    }
    [[nodiscard]] MacAddress mac() const noexcept { return device_.mac; }
    [[nodiscard]] std::uint16_t mtu_bytes() const noexcept { return device_.mtu_bytes; }
    [[nodiscard]] bool is_up() const noexcept { return is_running(device_.name); }
    [[nodiscard]] const std::string& kernel_name() const noexcept { return device_.name; }
    [[nodiscard]] bool is_zero_copy() const noexcept { return is_zero_copy_; }
    [[nodiscard]] bool is_native() const noexcept { return filter_.is_native(); }
    // Frames that the program's rules have left to the kernel.
    [[nodiscard]] std::uint64_t left_to_kernel() const { return filter_.left_to_kernel(); }

    [[nodiscard]] std::size_t receive(std::uint16_t queue, std::span<Packet> out) noexcept;
    [[nodiscard]] std::size_t transmit(std::uint16_t queue,
                                       std::span<const Packet> packets) noexcept;
    [[nodiscard]] bool flush(std::uint16_t queue) noexcept;
    // Replaces the addresses that traffic for the kernel must be sent to; those that the kernel has
    // on the netdev now are added. With `speaks_ipv6` all IPv6 comes here, else all stays there.
    [[nodiscard]] Outcome<void> set_own_addresses(std::span<const Ipv4Address> addresses,
                                                  bool speaks_ipv6);
    void append_descriptors(std::uint16_t queue, std::vector<int>& descriptors) const;
    [[nodiscard]] PortStatistics statistics() const noexcept;

private:
    struct alignas(64) Queue {
        explicit Queue(std::unique_ptr<XskQueue> opened) noexcept : socket{std::move(opened)} {}
        std::unique_ptr<XskQueue> socket;
        Counter receive_packets;
        Counter receive_bytes;
        Counter checksum_completed;
        alignas(64) Counter transmit_packets;  // of the transmitting thread
        Counter transmit_bytes;
        Counter transmit_refused;
    };

    AfXdpPort(XdpFilter filter, const KernelDevice& device, dpdk::PacketPool& pool)
        : filter_{std::move(filter)}, device_{device}, pool_{pool} {}
    [[nodiscard]] Outcome<void> open_queues(const PortRequest& request,
                                            std::optional<std::uint32_t> count,
                                            std::vector<std::string>& notes);
    [[nodiscard]] Outcome<std::unique_ptr<XskQueue>> open_queue(XskQueueRequest request,
                                                                std::vector<std::string>& notes);
    [[nodiscard]] Outcome<void> share_with_kernel(const PortRequest& request);
    [[nodiscard]] std::size_t receive_arp(Queue& queue, std::span<Packet> out) noexcept;
    [[nodiscard]] std::size_t receive_socket(Queue& queue, std::span<Packet> out) noexcept;

    XdpFilter filter_;
    KernelDevice device_;
    dpdk::PacketPool& pool_;
    bool is_zero_copy_ = true;
    std::vector<KernelTraffic> kernel_traffic_;
    std::optional<PacketRing> arp_;  // always there once open; silent while the program takes ARP
    std::vector<std::unique_ptr<Queue>> queues_;
};

}  // namespace towpath::port
