// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/packet_ring.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

namespace towpath::port {

namespace {

constexpr std::size_t kFrames = 2048;
constexpr std::size_t kFramesMinimum = 256;
constexpr std::size_t kBlock_bytes = std::size_t{1} << 16U;
// In front of a frame: the kernel's header, an address, alignment, the virtio_net header.
constexpr std::size_t kFrameOverhead_bytes = 128;

bool set(const FileDescriptor& socket, int option, const auto& value) noexcept {
    return ::setsockopt(socket.number(), SOL_PACKET, option, &value, sizeof value) == 0;
}

Failure cannot_open(const RingRequest& request, const KernelDevice& device, const char* what) {
    const int error = errno;
    if (error == EPERM || error == EACCES) {
        return {ExitCode::no_permission, request.interface_name + ": a packet socket on " +
                                             device.name + " needs CAP_NET_RAW: run as root"};
    }
    return {error == ENOMEM ? ExitCode::no_memory : ExitCode::port_unavailable,
            request.interface_name + ": " + what + " of a packet socket on " + device.name +
                " failed: " + std::strerror(error)};
}

// Lets nothing in; replaced by start().
bool deafen(const FileDescriptor& socket) noexcept {
    sock_filter refuse{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
    const sock_fprog program{.len = 1, .filter = &refuse};
    return ::setsockopt(socket.number(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) ==
           0;
}

// By flow, without PACKET_FANOUT_FLAG_DEFRAG: fragments stay as they came (N6).
std::optional<std::uint16_t> join_group(const FileDescriptor& socket,
                                        const RingRequest& request) noexcept {
    const std::uint32_t flags = request.starts_group ? PACKET_FANOUT_FLAG_UNIQUEID : 0U;
    if (!set(socket, PACKET_FANOUT,
             request.group.value_or(0) | (PACKET_FANOUT_HASH | flags) << 16U)) {
        return std::nullopt;
    }
    std::uint32_t joined = 0;
    socklen_t length = sizeof joined;
    (void)::getsockopt(socket.number(), SOL_PACKET, PACKET_FANOUT, &joined, &length);
    return static_cast<std::uint16_t>(joined);
}

// IPv6 asks for neighbours in groups, which a device may filter. As long as the socket is open; a
// device that cannot do it filters nothing.
void hear_groups(const FileDescriptor& socket, const KernelDevice& device) noexcept {
    packet_mreq membership{};
    membership.mr_ifindex = static_cast<int>(device.index);
    membership.mr_type = PACKET_MR_ALLMULTI;
    (void)set(socket, PACKET_ADD_MEMBERSHIP, membership);
}

}  // namespace

Outcome<PacketRing> PacketRing::open(const RingRequest& request, const KernelDevice& device) {
    FileDescriptor socket{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket.is_open()) {
        return tl::unexpected<Failure>{cannot_open(request, device, "opening")};
    }
    if (!deafen(socket) || !set(socket, PACKET_VERSION, int{TPACKET_V2}) ||
        !set(socket, PACKET_VNET_HDR, 1) || !set(socket, PACKET_IGNORE_OUTGOING, 1)) {
        return tl::unexpected<Failure>{cannot_open(request, device, "the set-up")};
    }
    PacketRing ring{std::move(socket)};
    if (!ring.map(std::bit_ceil(kFrameOverhead_bytes + request.mtu_bytes + ETH_HLEN + 4U))) {
        return tl::unexpected<Failure>{cannot_open(request, device, "the ring")};
    }
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(request.ether_type == 0 ? ETH_P_ALL : request.ether_type);
    address.sll_ifindex = static_cast<int>(device.index);
    if (::bind(ring.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
        0) {
        return tl::unexpected<Failure>{cannot_open(request, device, "the binding")};
    }
    hear_groups(ring.socket_, device);
    if (request.starts_group || request.group.has_value()) {
        ring.group_ = join_group(ring.socket_, request);
        if (!ring.group_.has_value() && !request.starts_group) {
            return tl::unexpected<Failure>{cannot_open(request, device, "the sharing")};
        }
    }
    return ring;
}

PacketRing::PacketRing(PacketRing&& other) noexcept
    : socket_{std::move(other.socket_)},
      memory_{std::exchange(other.memory_, nullptr)},
      memory_bytes_{other.memory_bytes_},
      frame_bytes_{other.frame_bytes_},
      frames_{other.frames_},
      next_{other.next_},
      group_{other.group_} {}

PacketRing::~PacketRing() {
    if (memory_ != nullptr) {
        ::munmap(memory_, memory_bytes_);
    }
}

bool PacketRing::map(std::size_t frame_bytes) noexcept {
    // Fewer frames rather than no port when kernel memory is short.
    for (std::size_t frames = kFrames; frames >= kFramesMinimum; frames /= 2) {
        const std::size_t bytes = frames * frame_bytes;
        const tpacket_req ring{.tp_block_size = kBlock_bytes,
                               .tp_block_nr = static_cast<unsigned>(bytes / kBlock_bytes),
                               .tp_frame_size = static_cast<unsigned>(frame_bytes),
                               .tp_frame_nr = static_cast<unsigned>(frames)};
        if (!set(socket_, PACKET_RX_RING, ring)) {
            if (errno == ENOMEM) {
                continue;
            }
            return false;
        }
        void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_POPULATE, socket_.number(), 0);
        if (memory == MAP_FAILED) {
            return false;
        }
        memory_ = static_cast<std::byte*>(memory);
        memory_bytes_ = bytes;
        frame_bytes_ = frame_bytes;
        frames_ = frames;
        return true;
    }
    return false;
}

void PacketRing::start() noexcept {
    const int unused = 0;
    (void)::setsockopt(socket_.number(), SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
}

tpacket2_hdr* PacketRing::header_at_position(std::size_t position) const noexcept {
    return reinterpret_cast<tpacket2_hdr*>(memory_ + (position & (frames_ - 1)) * frame_bytes_);
}

std::size_t PacketRing::ready(std::size_t most) const noexcept {
    most = std::min(most, frames_);
    std::size_t count = 0;
    while (count < most) {
        tpacket2_hdr* const header = header_at_position(next_ + count);
        const std::atomic_ref<std::uint32_t> status{header->tp_status};
        if ((status.load(std::memory_order_acquire) & TP_STATUS_USER) == 0) {
            break;
        }
        // The bytes of a small frame, which another core has just written.
        const auto* const bytes = reinterpret_cast<const std::byte*>(header);
        __builtin_prefetch(bytes + 64);
        __builtin_prefetch(bytes + 128);
        ++count;
    }
    return count;
}

RingFrame PacketRing::front() const noexcept {
    const tpacket2_hdr* const header = header_at_position(next_);
    const auto* const start = reinterpret_cast<const std::byte*>(header) + header->tp_mac;
    RingFrame frame{
        .bytes = {start, header->tp_snaplen},
        .offload = reinterpret_cast<const OffloadHeader*>(start - sizeof(OffloadHeader)),
        .vlan_tag = header->tp_vlan_tci,
        .vlan_protocol = 0,
        .is_cut = header->tp_snaplen < header->tp_len};
    if ((header->tp_status & TP_STATUS_VLAN_VALID) != 0) {
        frame.vlan_protocol = (header->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0
                                  ? header->tp_vlan_tpid
                                  : std::uint16_t{ETH_P_8021Q};
    }
    return frame;
}

void PacketRing::give_back() noexcept {
    const std::atomic_ref<std::uint32_t> status{header_at_position(next_)->tp_status};
    status.store(TP_STATUS_KERNEL, std::memory_order_release);
    ++next_;
}

std::uint64_t PacketRing::take_missed() const noexcept {
    tpacket_stats counted{};
    socklen_t length = sizeof counted;
    if (::getsockopt(socket_.number(), SOL_PACKET, PACKET_STATISTICS, &counted, &length) != 0) {
        return 0;
    }
    return counted.tp_drops;
}

void PacketRing::forget_error() const noexcept {
    int error = 0;
    socklen_t length = sizeof error;
    (void)::getsockopt(socket_.number(), SOL_SOCKET, SO_ERROR, &error, &length);
}

}  // namespace towpath::port
