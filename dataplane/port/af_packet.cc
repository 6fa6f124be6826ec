// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/af_packet.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "dataplane/port/partial_checksum.h"
#include "dataplane/wire/ethernet.h"

namespace towpath::port {

namespace {

constexpr std::uint16_t kQueuesMax = 16;
constexpr std::uint32_t kEmptyRoundsPerErrorCheck = 64;
constexpr std::size_t kVlanTag_bytes = 4;

// Copies the frame into the window; what the buffer does not hold is left out.
void copy_frame(const RingFrame& frame, Packet& packet) noexcept {
    const std::size_t room = packet.tail_room();
    std::byte* const to = packet.data();
    if (frame.vlan_protocol == 0 || frame.bytes.size() < sizeof(EthernetHeader)) {
        packet.length = static_cast<std::uint16_t>(std::min(room, frame.bytes.size()));
        std::memcpy(to, frame.bytes.data(), packet.length);
        return;
    }
    // The kernel took the tag out; the packet is to be what was on the wire.
    constexpr std::size_t kAddresses_bytes = offsetof(EthernetHeader, ether_type);
    const std::array<be16, 2> tag{be16{frame.vlan_protocol}, be16{frame.vlan_tag}};
    const std::size_t rest =
        std::min(room - kAddresses_bytes - kVlanTag_bytes, frame.bytes.size() - kAddresses_bytes);
    std::memcpy(to, frame.bytes.data(), kAddresses_bytes);
    std::memcpy(to + kAddresses_bytes, tag.data(), kVlanTag_bytes);
    std::memcpy(to + kAddresses_bytes + kVlanTag_bytes, frame.bytes.data() + kAddresses_bytes,
                rest);
    packet.length = static_cast<std::uint16_t>(kAddresses_bytes + kVlanTag_bytes + rest);
}

// Merged TCP segments that fit the MTU are one valid packet; merged datagrams never are.
bool is_one_packet(const OffloadHeader& offload) noexcept {
    const unsigned kind = offload.merge_kind & ~unsigned{kMergeEcn};
    return kind == kMergeNone || kind == kMergeTcp4;
}

}  // namespace

Outcome<std::unique_ptr<AfPacketPort>> AfPacketPort::open(const PortRequest& request,
                                                          dpdk::PacketPool& pool,
                                                          std::vector<std::string>& notes) {
    auto device = require_kernel_device(request);
    if (!device.has_value()) {
        return tl::unexpected<Failure>{device.error()};
    }
    if (request.mtu_bytes != 0 && request.mtu_bytes != device->mtu_bytes) {
        if (!set_mtu(device->name, request.mtu_bytes)) {
            return fail(ExitCode::port_unavailable, request.name + ": " + device->name +
                                                        " refuses the MTU " +
                                                        std::to_string(request.mtu_bytes));
        }
        notes.push_back(mtu_change(request, *device));
        device->mtu_bytes = request.mtu_bytes;
    }
    if (device->mtu_bytes > pool.largest_mtu_bytes()) {
        return fail(ExitCode::port_unavailable,
                    request.name + ": the MTU " + std::to_string(device->mtu_bytes) + " of " +
                        device->name + " is larger than packet memory was made for (" +
                        std::to_string(pool.largest_mtu_bytes()) + "): set mtu");
    }
    auto guard = KernelGuard::install(request, *device);
    if (!guard.has_value()) {
        return tl::unexpected<Failure>{guard.error()};
    }
    if (!guard->note().empty()) {
        notes.push_back(guard->note());
    }
    std::unique_ptr<AfPacketPort> port{new AfPacketPort{*std::move(guard), *device, pool}};
    if (auto opened = port->open_queues(request, notes); !opened.has_value()) {
        return tl::unexpected<Failure>{opened.error()};
    }
    return port;
}

Outcome<bool> AfPacketPort::open_queues(const PortRequest& request,
                                        std::vector<std::string>& notes) {
    const auto limited = [](std::uint16_t wanted) {
        return std::clamp<std::uint16_t>(wanted, 1, kQueuesMax);
    };
    const std::uint16_t receive_queues = limited(request.receive_queues);
    RingRequest ring_request{.interface_name = request.name,
                             .mtu_bytes = device_.mtu_bytes,
                             .starts_group = receive_queues > 1,
                             .group = std::nullopt};
    while (receivers_.size() < receive_queues) {
        auto ring = PacketRing::open(ring_request, device_);
        if (!ring.has_value()) {
            return tl::unexpected<Failure>{ring.error()};
        }
        ring_request.starts_group = false;
        ring_request.group = ring->group();
        receivers_.push_back(std::make_unique<Receiver>(*std::move(ring)));
        if (receive_queues > 1 && !ring_request.group.has_value()) {
            notes.push_back(request.name + ": one receive queue instead of " +
                            std::to_string(receive_queues) +
                            ": the kernel refuses to share packet sockets");
            break;
        }
    }
    for (std::uint16_t queue = 0; queue < limited(request.transmit_queues); ++queue) {
        auto sender = PacketSender::open(request.name, device_, queue);
        if (!sender.has_value()) {
            return tl::unexpected<Failure>{sender.error()};
        }
        transmitters_.push_back(std::make_unique<Transmitter>(*std::move(sender)));
    }
    for (const auto& receiver : receivers_) {
        receiver->ring.start();
    }
    return true;
}

void AfPacketPort::fill(Receiver& receiver, Packet& packet) const noexcept {
    const RingFrame frame = receiver.ring.front();
    copy_frame(frame, packet);
    const OffloadHeader& offload = *frame.offload;
    if (frame.is_cut || packet.length < frame.bytes.size() || !is_one_packet(offload)) {
        packet.verdict = DropReason::l2_oversize;
    } else if ((offload.flags & kNeedsChecksum) != 0) {
        const std::size_t tag = frame.vlan_protocol == 0 ? 0 : kVlanTag_bytes;
        if (complete_checksum(packet.bytes(), {.start = offload.checksum_start + tag,
                                               .field = offload.checksum_field})) {
            receiver.checksum_completed.add();
        }
    }
    receiver.packets.add();
    receiver.bytes.add(packet.length);
    receiver.ring.give_back();
}

std::size_t AfPacketPort::receive(std::uint16_t queue, std::span<Packet> out) noexcept {
    Receiver& receiver = *receivers_[queue];
    const std::size_t ready = receiver.ring.ready(out.size());
    if (ready == 0) {
        // A link that goes down leaves an error on the socket, and ppoll would return at once for
        // ever.
        if (++receiver.empty_rounds >= kEmptyRoundsPerErrorCheck) {
            receiver.empty_rounds = 0;
            receiver.ring.forget_error();
        }
        return 0;
    }
    receiver.empty_rounds = 0;
    // Without a buffer frames stay in the ring, whose overflow the kernel counts.
    const std::size_t count = pool_.allocate(out.first(ready));
    for (Packet& packet : out.first(count)) {
        fill(receiver, packet);
    }
    return count;
}

std::size_t AfPacketPort::transmit(std::uint16_t queue, std::span<const Packet> packets) noexcept {
    Transmitter& transmitter = *transmitters_[queue];
    std::size_t taken = 0;
    while (taken < packets.size()) {
        const SendResult result = transmitter.sender.send(packets.subspan(taken));
        for (const Packet& packet : packets.subspan(taken, result.sent)) {
            transmitter.bytes.add(packet.length);
        }
        transmitter.packets.add(result.sent);
        transmitter.refused.add(result.unsendable);
        taken += result.sent + result.unsendable;
        if (result.unsendable == 0 && taken < packets.size()) {
            transmitter.refused.add(packets.size() - taken);
            break;
        }
    }
    pool_.release(packets.first(taken));
    return taken;
}

void AfPacketPort::append_descriptors(std::uint16_t queue, std::vector<int>& descriptors) const {
    descriptors.push_back(receivers_[queue]->ring.descriptor());
}

PortStatistics AfPacketPort::statistics() const noexcept {
    PortStatistics total;
    for (const auto& receiver : receivers_) {
        total.receive_packets += receiver->packets.value();
        total.receive_bytes += receiver->bytes.value();
        total.checksum_completed += receiver->checksum_completed.value();
        missed_.fetch_add(receiver->ring.take_missed(), std::memory_order_relaxed);
    }
    total.receive_missed = missed_.load(std::memory_order_relaxed);
    for (const auto& transmitter : transmitters_) {
        total.transmit_packets += transmitter->packets.value();
        total.transmit_bytes += transmitter->bytes.value();
        total.transmit_refused += transmitter->refused.value();
    }
    return total;
}

}  // namespace towpath::port
