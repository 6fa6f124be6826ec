// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/packet_sender.h"

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "dataplane/dpdk/packet_pool.h"
#include "dataplane/wire/ethernet.h"

namespace towpath::port {

namespace {

constexpr std::size_t kSendMax = 32;
constexpr int kKernelBuffer_bytes = 4 << 20;

}  // namespace

Outcome<PacketSender> PacketSender::open(const std::string& interface_name,
                                         const KernelDevice& device, std::uint16_t queue) {
    const std::size_t largest_bytes = device.mtu_bytes + std::size_t{dpdk::kLinkOverhead_bytes};
    if (largest_bytes <= kXskFrameMaximum_bytes) {
        auto ring =
            XskQueue::open({.interface_name = interface_name,
                            .queue = queue,
                            .largest_frame_bytes = static_cast<std::uint32_t>(largest_bytes),
                            .transmits_only = true},
                           device);
        if (ring.has_value()) {
            return PacketSender{*std::move(ring), largest_bytes};
        }
    }
    return open_socket(interface_name, device);
}

Outcome<PacketSender> PacketSender::open_socket(const std::string& interface_name,
                                                const KernelDevice& device) {
    // Protocol 0: this socket receives nothing.
    FileDescriptor socket{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_ifindex = static_cast<int>(device.index);
    const int on = 1;
    if (!socket.is_open() ||
        ::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::setsockopt(socket.number(), SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) != 0) {
        const int error = errno;
        return fail(error == EPERM ? ExitCode::no_permission : ExitCode::port_unavailable,
                    interface_name + ": a packet socket for sending on " + device.name +
                        " was refused: " + std::strerror(error));
    }
    // Without permission for more the default buffer stays: correct, only smaller.
    (void)::setsockopt(socket.number(), SOL_SOCKET, SO_SNDBUFFORCE, &kKernelBuffer_bytes,
                       sizeof kKernelBuffer_bytes);
    return PacketSender{std::move(socket)};
}

bool PacketSender::flush() noexcept {
    return ring_ == nullptr || ring_->flush() != XskFlush::waiting;
}

SendResult PacketSender::send_to_ring(std::span<const Packet> packets) noexcept {
    const auto is_sendable = [this](const Packet& packet) {
        return packet.length >= sizeof(EthernetHeader) && packet.length <= largest_frame_bytes_;
    };
    const auto bad = std::find_if_not(packets.begin(), packets.end(), is_sendable);
    const auto good = static_cast<std::size_t>(bad - packets.begin());
    const std::size_t sent = good == 0 ? 0 : ring_->send(packets.first(good));
    return {sent, sent == good && bad != packets.end() ? 1U : 0U};
}

SendResult PacketSender::send(std::span<const Packet> packets) noexcept {
    if (ring_ != nullptr) {
        return send_to_ring(packets);
    }
    SendResult result;
    std::array<mmsghdr, kSendMax> messages{};
    std::array<iovec, kSendMax> frames{};
    while (result.sent < packets.size()) {
        const std::span<const Packet> part =
            packets.subspan(result.sent, std::min(kSendMax, packets.size() - result.sent));
        for (std::size_t index = 0; index < part.size(); ++index) {
            frames[index] = {.iov_base = part[index].data(), .iov_len = part[index].length};
            messages[index].msg_hdr.msg_iov = &frames[index];
            messages[index].msg_hdr.msg_iovlen = 1;
        }
        const int sent = ::sendmmsg(socket_.number(), messages.data(),
                                    static_cast<unsigned>(part.size()), MSG_DONTWAIT);
        if (sent < 0) {
            // Too long for the device, or too short for Ethernet: it will not be better later.
            result.unsendable = errno == EMSGSIZE || errno == EINVAL ? 1 : 0;
            return result;
        }
        result.sent += static_cast<std::size_t>(sent);
        // A short count hides its error; sending the rest once more brings it out.
    }
    return result;
}

}  // namespace towpath::port
