// SPDX-License-Identifier: BSD-3-Clause
// The transmit side of one packet socket: frames are copied to the kernel in batches, past the
// queueing discipline, and never wait (decisions.md N6).
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "dataplane/packet/packet.h"
#include "dataplane/port/file_descriptor.h"
#include "dataplane/port/kernel_device.h"
#include "dataplane/wire/result.h"

namespace towpath::port {

// What became of the packets in front: sent ones, then perhaps one that can never be sent.
struct SendResult {
    std::size_t sent = 0;
    std::size_t unsendable = 0;  // the device refuses this frame as it is: 0 or 1
};

class PacketSender {
public:
    [[nodiscard]] static Outcome<PacketSender> open(const std::string& interface_name,
                                                    const KernelDevice& device);
    // Sends from the front of `packets` until the kernel has no room. Keeps no reference.
    [[nodiscard]] SendResult send(std::span<const Packet> packets) const noexcept;

private:
    explicit PacketSender(FileDescriptor socket) noexcept : socket_{std::move(socket)} {}
    FileDescriptor socket_;
};

}  // namespace towpath::port
