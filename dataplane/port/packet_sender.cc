// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/packet_sender.h"

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace towpath::port {

namespace {

constexpr std::size_t kSendMax = 32;
constexpr int kKernelBuffer_bytes = 4 << 20;

}  // namespace

Outcome<PacketSender> PacketSender::open(const std::string& interface_name,
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

SendResult PacketSender::send(std::span<const Packet> packets) const noexcept {
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
