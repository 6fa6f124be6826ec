// SPDX-License-Identifier: BSD-3-Clause
// Which worker serves which queue (decisions.md N11). Pure. A receive queue has exactly one worker,
// dealt round robin over all ports; a transmit queue has exactly one worker too, and a worker
// without one on a port hands finished frames to the worker that has. A port with fewer receive
// queues than there are workers is distributed in software: who receives hashes the addresses,
// symmetrically.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/packet/interface.h"
#include "dataplane/packet/owner.h"

namespace towpath::worker {

struct PortQueues {
    std::uint16_t receive = 0;
    std::uint16_t transmit = 0;
};

struct ReceiveQueue {
    InterfaceId interface;
    std::uint16_t queue;
};

struct TransmitRoute {
    WorkerId worker = 0;      // itself, or whom to hand finished frames
    std::uint16_t queue = 0;  // of that worker
};

class QueuePlan {
public:
    // `ports` by InterfaceId, at most kInterfacesMax; each has at least one queue per direction.
    // 1 <= workers <= kWorkersMax.
    QueuePlan(std::span<const PortQueues> ports, std::size_t workers);

    [[nodiscard]] const std::vector<ReceiveQueue>& receive_queues(WorkerId worker) const noexcept {
        return receive_[worker];
    }
    [[nodiscard]] TransmitRoute transmit(WorkerId worker, InterfaceId interface) const noexcept {
        return transmit_[worker][static_cast<std::size_t>(interface)];
    }
    [[nodiscard]] bool is_distributed_in_software(InterfaceId interface) const noexcept {
        return distributed_[static_cast<std::size_t>(interface)];
    }

private:
    std::array<std::vector<ReceiveQueue>, kWorkersMax> receive_;
    std::array<std::array<TransmitRoute, kInterfacesMax>, kWorkersMax> transmit_{};
    std::array<bool, kInterfacesMax> distributed_{};
};

// The worker for a packet between two addresses; the same in both directions.
[[nodiscard]] constexpr WorkerId distribute(Ipv4Address source, Ipv4Address destination,
                                            std::size_t workers) noexcept {
    const std::uint64_t mixed =
        std::uint64_t{source.bits() ^ destination.bits()} * 0x9E3779B97F4A7C15U;
    return static_cast<WorkerId>((mixed >> 32U) * workers >> 32U);
}

}  // namespace towpath::worker
