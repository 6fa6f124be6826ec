// SPDX-License-Identifier: BSD-3-Clause
// Where packets go when the pipeline is done with them: devices, the host, other workers, the pool.
// One per worker. Every packet of a batch leaves here, each through the exit lane it is in; a
// refusal on the way (queue full, interface gone) turns into a named drop.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/dpdk/packet_pool.h"
#include "dataplane/packet/batch.h"
#include "dataplane/packet/counters.h"
#include "dataplane/worker/doorbell.h"
#include "dataplane/worker/handoff.h"
#include "dataplane/worker/port_table.h"
#include "dataplane/worker/queue_plan.h"

namespace towpath::worker {

struct DispatchTargets {
    const QueuePlan& plan;
    PortTable& ports;
    HandoffMesh& mesh;
    std::vector<Doorbell>& doorbells;
    dpdk::PacketPool& pool;
};

class Dispatch {
public:
    Dispatch(WorkerId worker, const DispatchTargets& targets, PipelineCounters& counters) noexcept
        : targets_{targets}, counters_{counters}, worker_{worker} {}

    // Empties every exit lane of `batch`, which is conserved; the pipeline has counted its drops.
    void send(Batch& batch) noexcept;
    // After the last send of a turn: starts queued transmissions, rings the workers that got work.
    void flush() noexcept;
    // Gives a packet that was just received to another worker; a full ring drops it.
    void distribute(const Packet& packet, WorkerId to) noexcept;

private:
    void transmit(Batch& batch) noexcept;
    void transmit_to(InterfaceId interface, std::span<const Packet> packets) noexcept;
    void punt(Batch& batch) noexcept;
    void punt_to(InterfaceId interface, std::span<const Packet> packets) noexcept;
    void hand_off(WorkerId to, std::span<const Packet> packets, DropReason refusal) noexcept;
    void hand_off(Batch& batch) noexcept;
    void release(Batch& batch) noexcept;
    void drop(std::span<const Packet> packets, DropReason reason) noexcept;

    DispatchTargets targets_;
    PipelineCounters& counters_;
    std::array<Packet, kBatchCapacity> gathered_{};
    std::uint32_t unflushed_interfaces_ = 0;
    std::uint32_t rung_workers_ = 0;
    WorkerId worker_;
};
static_assert(kInterfacesMax <= 32 && kWorkersMax <= 32);

}  // namespace towpath::worker
