// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/af_xdp.h"

#include <algorithm>
#include <cstring>

#include "dataplane/port/kernel_address.h"
#include "dataplane/port/receive_queues.h"
#include "dataplane/port/unfinished_checksum.h"
#include "dataplane/wire/ethernet.h"

namespace towpath::port {
namespace {

constexpr std::uint16_t kMtuLargest_bytes =
    static_cast<std::uint16_t>(kXskLargestFrame_bytes - dpdk::kLinkOverhead_bytes);

// An ARP frame has 60 bytes; what is longer is cut, and parse judges it.
constexpr std::uint16_t kArpLargest_bytes = 128;

// Copies a frame behind the packet's head room; a frame too long for it is cut there and is then
// longer than any MTU.
void fill(Packet& packet, std::span<const std::byte> frame) noexcept {
    const std::size_t length = std::min<std::size_t>(
        frame.size(), static_cast<std::size_t>(packet.capacity) - packet.head);
    std::memcpy(packet.data(), frame.data(), length);
    packet.length = static_cast<std::uint16_t>(length);
}

void append_addresses(const std::vector<InterfaceAddress>& found, std::vector<Ipv4Address>& known) {
    for (const InterfaceAddress& one : found) {
        if (std::find(known.begin(), known.end(), one.address) == known.end()) {
            known.push_back(one.address);
        }
    }
}

Outcome<void> set_up_link(const PortRequest& request, KernelDevice& device,
                          std::vector<std::string>& notes) {
    if (request.mtu_bytes != 0 && request.mtu_bytes != device.mtu_bytes) {
        if (request.mtu_bytes > kMtuLargest_bytes || !set_mtu(device.name, request.mtu_bytes)) {
            return fail(ExitCode::port_unavailable,
                        request.name + ": " + device.name + " cannot have an MTU of " +
                            std::to_string(request.mtu_bytes) + " bytes (af_xdp: at most " +
                            std::to_string(kMtuLargest_bytes) + ")");
        }
        notes.push_back(mtu_change(request, device));
        device.mtu_bytes = request.mtu_bytes;
    }
    if (device.mtu_bytes > kMtuLargest_bytes) {
        return fail(ExitCode::port_unavailable, request.name + ": the MTU of " + device.name +
                                                    " is " + std::to_string(device.mtu_bytes) +
                                                    " bytes; af_xdp carries at most " +
                                                    std::to_string(kMtuLargest_bytes));
    }
    if (!is_administratively_up(device.name) && !set_administratively_up(device.name, true)) {
        return fail(ExitCode::no_permission,
                    request.name + ": " + device.name + " cannot be set up: CAP_NET_ADMIN?");
    }
    return {};
}

}  // namespace

Outcome<std::unique_ptr<AfXdpPort>> AfXdpPort::open(const PortRequest& request,
                                                    dpdk::PacketPool& pool,
                                                    std::vector<std::string>& notes) {
    auto device = require_kernel_device(request);
    if (!device) {
        return tl::unexpected{device.error()};
    }
    if (auto ready = set_up_link(request, *device, notes); !ready) {
        return tl::unexpected{ready.error()};
    }
    const auto count = count_receive_queues(device->name);
    if (count && *count > kXskQueuesMax) {
        return fail(ExitCode::port_unavailable,
                    request.name + ": " + device->name + " has " + std::to_string(*count) +
                        " receive queues, af_xdp binds at most " + std::to_string(kXskQueuesMax) +
                        ": ethtool -L " + device->name + " sets fewer");
    }
    auto filter = XdpFilter::attach(request.name, *device, kXskQueuesMax, notes);
    if (!filter) {
        return tl::unexpected{filter.error()};
    }
    std::unique_ptr<AfXdpPort> port{new AfXdpPort{std::move(*filter), *device, pool}};
    if (auto shared = port->share_with_kernel(request); !shared) {
        return tl::unexpected{shared.error()};
    }
    if (auto opened = port->open_queues(request, count, notes); !opened) {
        return tl::unexpected{opened.error()};
    }
    return port;
}

Outcome<void> AfXdpPort::share_with_kernel(const PortRequest& request) {
    kernel_traffic_ = request.kernel_traffic;
    auto ring = PacketRing::open({.interface_name = request.name,
                                  .mtu_bytes = kArpLargest_bytes,
                                  .ether_type = kEtherTypeArp},
                                 device_);
    if (!ring) {
        return tl::unexpected{ring.error()};
    }
    arp_.emplace(std::move(*ring));
    arp_->start();
    return set_own_addresses(request.own_addresses, request.speaks_ipv6);
}

Outcome<void> AfXdpPort::set_own_addresses(std::span<const Ipv4Address> addresses,
                                           bool speaks_ipv6) {
    const std::vector<InterfaceAddress> of_kernel = kernel_addresses_of(device_.name);
    std::vector<Ipv4Address> own{addresses.begin(), addresses.end()};
    append_addresses(of_kernel, own);
    return filter_.set_kernel_traffic(kernel_traffic_, own, !of_kernel.empty(), speaks_ipv6);
}

Outcome<void> AfXdpPort::open_queues(const PortRequest& request, std::optional<std::uint32_t> count,
                                     std::vector<std::string>& notes) {
    const std::uint32_t most = count.value_or(kXskQueuesMax);
    for (std::uint32_t queue = 0; queue < most; ++queue) {
        auto socket = open_queue(
            {.interface_name = request.name,
             .queue = queue,
             .largest_frame_bytes = device_.mtu_bytes + std::uint32_t{dpdk::kLinkOverhead_bytes}},
            notes);
        if (!socket) {
            // A driver that does not say how many queues it has: the first that is missing ends it.
            if (!count && queue > 0) {
                break;
            }
            return tl::unexpected{socket.error()};
        }
        if (!filter_.put_socket(queue, (*socket)->descriptor())) {
            return fail(ExitCode::port_unavailable,
                        request.name + ": receive queue " + std::to_string(queue) + " of " +
                            device_.name + " cannot be handed to the XDP program");
        }
        queues_.push_back(std::make_unique<Queue>(std::move(*socket)));
    }
    if (queues_.size() < request.receive_queues) {
        notes.push_back(request.name + ": " + device_.name + " has " +
                        std::to_string(queues_.size()) + " receive queues instead of " +
                        std::to_string(request.receive_queues));
    }
    return {};
}

Outcome<std::unique_ptr<XskQueue>> AfXdpPort::open_queue(XskQueueRequest request,
                                                         std::vector<std::string>& notes) {
    if (is_zero_copy_ && filter_.is_native()) {
        request.zero_copy = true;
        auto socket = XskQueue::open(request, device_);
        // All queues of a port are of one kind: the first decides.
        if (socket || request.queue != 0 ||
            socket.error().exit_code != ExitCode::port_unavailable) {
            return socket;
        }
    }
    if (is_zero_copy_) {
        is_zero_copy_ = false;
        notes.push_back(request.interface_name + ": " + device_.name +
                        " has no zero copy: the kernel copies every frame");
    }
    request.zero_copy = false;
    return XskQueue::open(request, device_);
}

std::size_t AfXdpPort::receive(std::uint16_t queue, std::span<Packet> out) noexcept {
    Queue& from = *queues_[queue];
    std::size_t received = 0;
    if (queue == 0 && arp_) {
        received = receive_arp(from, out);
    }
    return received + receive_socket(from, out.subspan(received));
}

std::size_t AfXdpPort::receive_socket(Queue& queue, std::span<Packet> out) noexcept {
    const std::size_t ready = queue.socket->ready(out.size());
    if (ready == 0) {
        queue.socket->wake_receive();
        return 0;
    }
    // Without buffers the frames stay in the ring, and the kernel counts what no longer fits.
    const std::size_t taken = pool_.allocate(out.first(ready));
    std::uint64_t bytes = 0;
    std::uint64_t completed = 0;
    for (std::size_t position = 0; position < taken; ++position) {
        const std::span<std::byte> frame = queue.socket->frame(position);
        completed += complete_if_unfinished(frame) ? 1U : 0U;
        fill(out[position], frame);
        bytes += frame.size();
    }
    queue.socket->give_back(taken);
    queue.receive_packets.add(taken);
    queue.receive_bytes.add(bytes);
    queue.checksum_completed.add(completed);
    return taken;
}

std::size_t AfXdpPort::receive_arp(Queue& queue, std::span<Packet> out) noexcept {
    const std::size_t ready = arp_->ready(out.size());
    const std::size_t taken = ready == 0 ? 0 : pool_.allocate(out.first(ready));
    for (Packet& packet : out.first(taken)) {
        const RingFrame frame = arp_->front();
        fill(packet, frame.bytes);
        queue.receive_bytes.add(frame.bytes.size());
        arp_->give_back();
    }
    queue.receive_packets.add(taken);
    return taken;
}

std::size_t AfXdpPort::transmit(std::uint16_t queue, std::span<const Packet> packets) noexcept {
    Queue& to = *queues_[queue];
    const std::size_t taken = to.socket->transmit(packets);
    std::uint64_t bytes = 0;
    for (const Packet& packet : packets.first(taken)) {
        bytes += packet.length;
    }
    to.transmit_packets.add(taken);
    to.transmit_bytes.add(bytes);
    to.transmit_refused.add(packets.size() - taken);
    pool_.release(packets.first(taken));
    return taken;
}

bool AfXdpPort::flush(std::uint16_t queue) noexcept {
    return queues_[queue]->socket->flush() != XskFlush::waiting;
}

void AfXdpPort::append_descriptors(std::uint16_t queue, std::vector<int>& descriptors) const {
    descriptors.push_back(queues_[queue]->socket->descriptor());
    if (queue == 0 && arp_) {
        descriptors.push_back(arp_->descriptor());
    }
}

PortStatistics AfXdpPort::statistics() const noexcept {
    PortStatistics sum;
    for (const auto& queue : queues_) {
        sum.receive_packets += queue->receive_packets.value();
        sum.receive_bytes += queue->receive_bytes.value();
        sum.receive_missed += queue->socket->missed();
        sum.transmit_packets += queue->transmit_packets.value();
        sum.transmit_bytes += queue->transmit_bytes.value();
        sum.transmit_refused += queue->transmit_refused.value();
        sum.checksum_completed += queue->checksum_completed.value();
    }
    return sum;
}

}  // namespace towpath::port
