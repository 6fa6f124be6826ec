// SPDX-License-Identifier: BSD-3-Clause
// The transmit side of an af_packet port: frames are copied to the kernel in batches, past the
// queueing discipline, and never wait (decisions.md N6).
//
// Through an AF_XDP socket that only transmits where the device has a queue for one: a whole burst
// in one call, a third cheaper than a packet socket, which looks into every frame. Otherwise (old
// kernel, large MTU, more senders than queues) through a packet socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "dataplane/packet/packet.h"
#include "dataplane/port/file_descriptor.h"
#include "dataplane/port/kernel_device.h"
#include "dataplane/port/xsk_queue.h"
#include "dataplane/wire/result.h"

namespace towpath::port {

// What became of the packets in front: sent ones, then perhaps one that can never be sent.
struct SendResult {
    std::size_t sent = 0;
    std::size_t unsendable = 0;  // the device refuses this frame as it is: 0 or 1
};

class PacketSender {
public:
    // `queue` of the device; one that it does not have means a packet socket.
    [[nodiscard]] static Outcome<PacketSender> open(const std::string& interface_name,
                                                    const KernelDevice& device,
                                                    std::uint16_t queue);
    // Sends from the front of `packets` until the kernel has no room. Keeps no reference.
    [[nodiscard]] SendResult send(std::span<const Packet> packets) noexcept;
    // False: what send took is still waiting for a busy device; call again.
    [[nodiscard]] bool flush() noexcept;

    // Whether it sends through AF_XDP.
    [[nodiscard]] bool is_ring() const noexcept { return ring_ != nullptr; }

private:
    explicit PacketSender(FileDescriptor socket) noexcept : socket_{std::move(socket)} {}
    PacketSender(std::unique_ptr<XskQueue> ring, std::size_t largest_frame_bytes) noexcept
        : ring_{std::move(ring)}, largest_frame_bytes_{largest_frame_bytes} {}
    [[nodiscard]] static Outcome<PacketSender> open_socket(const std::string& interface_name,
                                                           const KernelDevice& device);
    [[nodiscard]] SendResult send_to_ring(std::span<const Packet> packets) noexcept;

    std::unique_ptr<XskQueue> ring_;
    std::size_t largest_frame_bytes_ = 0;  // of the ring's device
    FileDescriptor socket_;                // open when there is no ring
};

}  // namespace towpath::port
