// SPDX-License-Identifier: BSD-3-Clause
// Driver `af_packet`: our own port on packet sockets, for any netdev and any kernel (decisions.md
// N6, N7, N9). Slower than af_xdp because every frame is copied, but it needs nothing of the
// device. DPDK's driver of that name is not used: it loses fragments and hides checksum state.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/dpdk/packet_pool.h"
#include "dataplane/packet/counters.h"
#include "dataplane/packet/packet.h"
#include "dataplane/port/kernel_guard.h"
#include "dataplane/port/packet_ring.h"
#include "dataplane/port/packet_sender.h"
#include "dataplane/port/request.h"

namespace towpath::port {

class AfPacketPort {
public:
    // Appends to `notes` what was asked for and not had.
    [[nodiscard]] static Outcome<std::unique_ptr<AfPacketPort>> open(
        const PortRequest& request, dpdk::PacketPool& pool, std::vector<std::string>& notes);

    [[nodiscard]] std::uint16_t receive_queue_count() const noexcept {
        return static_cast<std::uint16_t>(receivers_.size());
    }
    [[nodiscard]] std::uint16_t transmit_queue_count() const noexcept {
        return static_cast<std::uint16_t>(transmitters_.size());
    }
    [[nodiscard]] MacAddress mac() const noexcept { return device_.mac; }
    [[nodiscard]] std::uint16_t mtu_bytes() const noexcept { return device_.mtu_bytes; }
    [[nodiscard]] bool is_up() const noexcept { return is_running(device_.name); }
    [[nodiscard]] const std::string& kernel_name() const noexcept { return device_.name; }

    [[nodiscard]] std::size_t receive(std::uint16_t queue, std::span<Packet> out) noexcept;
    [[nodiscard]] std::size_t transmit(std::uint16_t queue,
                                       std::span<const Packet> packets) noexcept;
    // transmit has already handed everything to the kernel, unless the device was busy.
    [[nodiscard]] bool flush(std::uint16_t queue) noexcept {
        return transmitters_[queue]->sender.flush();
    }
    void append_descriptors(std::uint16_t queue, std::vector<int>& descriptors) const;
    [[nodiscard]] PortStatistics statistics() const noexcept;

private:
    struct alignas(64) Receiver {
        explicit Receiver(PacketRing opened) noexcept : ring{std::move(opened)} {}
        PacketRing ring;
        std::uint32_t empty_rounds = 0;
        Counter packets;
        Counter bytes;
        Counter checksum_completed;
    };
    struct alignas(64) Transmitter {
        explicit Transmitter(PacketSender opened) noexcept : sender{std::move(opened)} {}
        PacketSender sender;
        Counter packets;
        Counter bytes;
        Counter refused;
    };

    AfPacketPort(KernelGuard guard, const KernelDevice& device, dpdk::PacketPool& pool)
        : guard_{std::move(guard)}, device_{device}, pool_{pool} {}
    [[nodiscard]] Outcome<bool> open_queues(const PortRequest& request,
                                            std::vector<std::string>& notes);
    void fill(Receiver& receiver, Packet& packet) const noexcept;

    KernelGuard guard_;  // first: the kernel hears again only after the rings are gone
    KernelDevice device_;
    dpdk::PacketPool& pool_;
    std::vector<std::unique_ptr<Receiver>> receivers_;
    std::vector<std::unique_ptr<Transmitter>> transmitters_;
    mutable std::atomic<std::uint64_t> missed_{0};
};

}  // namespace towpath::port
