// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/dispatch.h"

#include <bit>

namespace towpath::worker {
namespace {

std::uint64_t total_bytes(std::span<const Packet> packets) noexcept {
    std::uint64_t bytes = 0;
    for (const Packet& packet : packets) {
        bytes += packet.length;
    }
    return bytes;
}

}  // namespace

void Dispatch::send(Batch& batch) noexcept {
    transmit(batch);
    punt(batch);
    hand_off(batch);
    release(batch);
}

void Dispatch::transmit(Batch& batch) noexcept {
    const PacketList& lane = batch.lane(Lane::transmit);
    std::uint32_t interfaces = 0;
    for (const PacketIndex index : lane) {
        interfaces |= 1U << static_cast<unsigned>(batch[index].egress);
    }
    while (interfaces != 0) {
        const auto id = static_cast<unsigned>(std::countr_zero(interfaces));
        interfaces &= interfaces - 1;
        const InterfaceId interface { static_cast<std::uint8_t>(id) };
        std::size_t count = 0;
        for (const PacketIndex index : lane) {
            if (batch[index].egress == interface) {
                gathered_[count++] = batch[index];
            }
        }
        transmit_to(interface, {gathered_.data(), count});
    }
}

void Dispatch::transmit_to(InterfaceId interface, std::span<const Packet> packets) noexcept {
    const TransmitRoute route = targets_.plan.transmit(worker_, interface);
    if (route.worker != worker_) {
        for (Packet& packet : std::span{gathered_.data(), packets.size()}) {
            packet.resume = Lane::transmit;
        }
        hand_off(route.worker, packets, DropReason::transmit_full);
        return;
    }
    port::Port* const port = targets_.ports.port(interface);
    if (port == nullptr) {
        drop(packets, DropReason::port_down);
        return;
    }
    // The driver may free what it took before it returns, so sizes are read first.
    InterfaceCounters& counters = counters_.interfaces[static_cast<std::size_t>(interface)];
    const std::uint64_t offered_bytes = total_bytes(packets);
    const std::size_t taken = port->transmit(route.queue, packets);
    const std::uint64_t refused_bytes = total_bytes(packets.subspan(taken));
    counters.transmit_packets.add(taken);
    counters.transmit_bytes.add(offered_bytes - refused_bytes);
    counters_.transmitted.add(taken);
    unflushed_interfaces_ |= 1U << static_cast<unsigned>(interface);
    drop(packets.subspan(taken), DropReason::transmit_full);
}

void Dispatch::punt(Batch& batch) noexcept {
    const PacketList& lane = batch.lane(Lane::punt);
    std::uint32_t interfaces = 0;
    for (const PacketIndex index : lane) {
        interfaces |= 1U << static_cast<unsigned>(batch[index].ingress);
    }
    while (interfaces != 0) {
        const InterfaceId interface { static_cast<std::uint8_t>(std::countr_zero(interfaces)) };
        interfaces &= interfaces - 1;
        std::size_t count = 0;
        for (const PacketIndex index : lane) {
            if (batch[index].ingress == interface) {
                gathered_[count++] = batch[index];
            }
        }
        punt_to(interface, {gathered_.data(), count});
    }
}

void Dispatch::punt_to(InterfaceId interface, std::span<const Packet> packets) noexcept {
    port::HostTap* const host = targets_.ports.host(interface);
    if (host == nullptr) {
        drop(packets, DropReason::local_no_host);
        return;
    }
    const std::size_t taken = host->transmit(packets);
    counters_.punted.add(taken);
    drop(packets.subspan(taken), DropReason::punt_full);
}

void Dispatch::hand_off(Batch& batch) noexcept {
    const PacketList& lane = batch.lane(Lane::hand_off);
    std::uint32_t workers = 0;
    for (const PacketIndex index : lane) {
        workers |= 1U << batch[index].target_worker;
    }
    while (workers != 0) {
        const auto to = static_cast<WorkerId>(std::countr_zero(workers));
        workers &= workers - 1;
        std::size_t count = 0;
        for (const PacketIndex index : lane) {
            if (batch[index].target_worker == to) {
                gathered_[count++] = batch[index];
            }
        }
        hand_off(to, {gathered_.data(), count}, DropReason::handoff_full);
    }
}

void Dispatch::hand_off(WorkerId to, std::span<const Packet> packets, DropReason refusal) noexcept {
    const std::size_t taken = targets_.mesh.ring(worker_, to).push(packets);
    counters_.handed_off.add(taken);
    rung_workers_ |= 1U << to;
    drop(packets.subspan(taken), refusal);
}

void Dispatch::distribute(const Packet& packet, WorkerId to) noexcept {
    hand_off(to, {&packet, 1}, DropReason::handoff_full);
}

void Dispatch::release(Batch& batch) noexcept {
    // The pipeline has counted them.
    std::size_t count = 0;
    for (const PacketIndex index : batch.lane(Lane::drop)) {
        gathered_[count++] = batch[index];
    }
    for (const PacketIndex index : batch.lane(Lane::absorb)) {
        gathered_[count++] = batch[index];
    }
    targets_.pool.release({gathered_.data(), count});
}

void Dispatch::drop(std::span<const Packet> packets, DropReason reason) noexcept {
    if (packets.empty()) {
        return;
    }
    counters_.drops[static_cast<std::size_t>(reason)].add(packets.size());
    counters_.dropped.add(packets.size());
    targets_.pool.release(packets);
}

void Dispatch::flush() noexcept {
    std::uint32_t waiting = 0;  // a busy device is asked again after the next turn
    while (unflushed_interfaces_ != 0) {
        const auto id = static_cast<unsigned>(std::countr_zero(unflushed_interfaces_));
        unflushed_interfaces_ &= unflushed_interfaces_ - 1;
        const InterfaceId interface { static_cast<std::uint8_t>(id) };
        port::Port* const port = targets_.ports.port(interface);
        if (port != nullptr && !port->flush(targets_.plan.transmit(worker_, interface).queue)) {
            waiting |= 1U << id;
        }
    }
    unflushed_interfaces_ = waiting;
    while (rung_workers_ != 0) {
        targets_.doorbells[static_cast<std::size_t>(std::countr_zero(rung_workers_))].ring();
        rung_workers_ &= rung_workers_ - 1;
    }
}

}  // namespace towpath::worker
