// SPDX-License-Identifier: BSD-3-Clause
// Drivers `pci`, `memif`, `tap` and `pcap`: a port on any ethdev of DPDK. No offload is relied on:
// the data plane updates checksums itself. Every optional call may be refused; what is lost then is
// a note, not a failure.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/dpdk/packet_pool.h"
#include "dataplane/packet/counters.h"
#include "dataplane/packet/packet.h"
#include "dataplane/port/request.h"
#include "dataplane/wire/result.h"

namespace towpath::port {

class EthdevPort {
public:
    [[nodiscard]] static Outcome<std::unique_ptr<EthdevPort>> open(const PortRequest& request,
                                                                   dpdk::PacketPool& pool,
                                                                   std::vector<std::string>& notes);
    EthdevPort(const EthdevPort&) = delete;
    EthdevPort& operator=(const EthdevPort&) = delete;
    // Stops, closes and removes the device.
    ~EthdevPort();

    [[nodiscard]] std::uint16_t receive_queue_count() const noexcept { return receive_queues_; }
    [[nodiscard]] std::uint16_t transmit_queue_count() const noexcept {
        return static_cast<std::uint16_t>(refused_.size());
    }
    [[nodiscard]] MacAddress mac() const noexcept { return mac_; }
    [[nodiscard]] std::uint16_t mtu_bytes() const noexcept { return mtu_bytes_; }
    [[nodiscard]] bool is_up() const noexcept;
    [[nodiscard]] const std::string& kernel_name() const noexcept { return kernel_name_; }

    [[nodiscard]] std::size_t receive(std::uint16_t queue, std::span<Packet> out) noexcept;
    [[nodiscard]] std::size_t transmit(std::uint16_t queue,
                                       std::span<const Packet> packets) noexcept;
    // tx_burst has already told the device.
    [[nodiscard]] bool flush(std::uint16_t /*queue*/) noexcept { return true; }
    // Interrupts of DPDK's drivers differ too much in who clears them: a worker naps instead.
    void append_descriptors(std::uint16_t /*queue*/, std::vector<int>& /*descriptors*/) const {}
    [[nodiscard]] PortStatistics statistics() const noexcept;

private:
    struct Queues {
        std::uint16_t receive = 1;
        std::uint16_t transmit = 1;
    };
    struct alignas(64) RefusedCounter : Counter {};

    EthdevPort(std::uint16_t id, dpdk::PacketPool& pool) noexcept : id_{id}, pool_{pool} {}
    [[nodiscard]] Outcome<Queues> configure(const PortRequest& request,
                                            std::vector<std::string>& notes) const;
    [[nodiscard]] Outcome<bool> start(const PortRequest& request, Queues queues,
                                      std::vector<std::string>& notes);
    void set_mtu(const PortRequest& request, std::vector<std::string>& notes);

    std::uint16_t id_;  // DPDK's
    dpdk::PacketPool& pool_;
    MacAddress mac_;
    std::uint16_t mtu_bytes_ = 1500;
    std::string kernel_name_;
    std::uint16_t receive_queues_ = 0;
    std::vector<std::unique_ptr<RefusedCounter>> refused_;  // by transmit queue
};

}  // namespace towpath::port
