// SPDX-License-Identifier: BSD-3-Clause
#include "testbed/traffic/packet_socket.h"

#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace towpath::testbed {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 18U;
constexpr std::size_t kBlockCount = 256;
constexpr unsigned kFrameBytes = 2048;
constexpr unsigned kBlockRetireMs = 2;
constexpr std::size_t kSendBurstMax = 64;

tl::unexpected<Failure> system_failure(const std::string& what) {
    const ExitCode code = errno == EPERM ? ExitCode::no_permission : ExitCode::failed;
    return fail(code, what + ": " + std::strerror(errno));
}

// A packet socket bound to the interface for what `protocol` names; 0 receives nothing.
Outcome<Descriptor> open_bound(const Place& place, std::uint16_t protocol) {
    if (const auto entered = enter_namespace(place.network_namespace); !entered) {
        return tl::unexpected{entered.error()};
    }
    Descriptor descriptor{socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)};
    if (descriptor.number() < 0) {
        return system_failure("packet socket");
    }
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = be16{protocol}.raw();
    address.sll_ifindex = static_cast<int>(if_nametoindex(place.interface.c_str()));
    if (address.sll_ifindex == 0 ||
        bind(descriptor.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
            0) {
        return system_failure("interface " + place.interface);
    }
    return descriptor;
}

}  // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
}

Descriptor::~Descriptor() {
    if (number_ >= 0) {
        close(number_);
    }
}

Outcome<std::monostate> enter_namespace(const std::string& name) {
    if (name.empty()) {
        return std::monostate{};
    }
    const Descriptor descriptor{open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC)};
    if (descriptor.number() < 0 || setns(descriptor.number(), CLONE_NEWNET) != 0) {
        return system_failure("network namespace " + name);
    }
    return std::monostate{};
}

Outcome<SendSocket> SendSocket::open(const Place& place) {
    auto descriptor = open_bound(place, 0);
    if (!descriptor) {
        return tl::unexpected{descriptor.error()};
    }
    const int yes = 1;
    const int buffer_bytes = 8 << 20;
    setsockopt(descriptor->number(), SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof yes);
    setsockopt(descriptor->number(), SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes,
               sizeof buffer_bytes);
    ifreq request{};
    place.interface.copy(request.ifr_name, IFNAMSIZ - 1);
    if (ioctl(descriptor->number(), SIOCGIFHWADDR, &request) != 0) {
        return system_failure("hardware address of " + place.interface);
    }
    SendSocket made;
    made.socket_ = std::move(*descriptor);
    std::memcpy(made.mac_.bytes.data(), request.ifr_hwaddr.sa_data, made.mac_.bytes.size());
    return made;
}

std::size_t SendSocket::send(std::span<const std::span<const std::byte>> frames) const {
    std::array<mmsghdr, kSendBurstMax> messages{};
    std::array<iovec, kSendBurstMax> vectors{};
    const std::size_t count = std::min(frames.size(), kSendBurstMax);
    for (std::size_t index = 0; index < count; ++index) {
        // sendmmsg does not write through iov_base; its type is shared with reading calls.
        vectors[index] = {const_cast<std::byte*>(frames[index].data()), frames[index].size()};
        messages[index].msg_hdr.msg_iov = &vectors[index];
        messages[index].msg_hdr.msg_iovlen = 1;
    }
    const int sent = sendmmsg(socket_.number(), messages.data(), static_cast<unsigned>(count), 0);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

Outcome<ReceiveRing> ReceiveRing::open(const Place& place) {
    // Everything, not only IPv4: a tap for one protocol comes behind the ingress hook, and there
    // the far end drops what we are to see.
    auto descriptor = open_bound(place, ETH_P_ALL);
    if (!descriptor) {
        return tl::unexpected{descriptor.error()};
    }
    const int yes = 1;
    setsockopt(descriptor->number(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes);
    const int version = TPACKET_V3;
    tpacket_req3 request{};
    request.tp_block_size = kBlockBytes;
    request.tp_block_nr = kBlockCount;
    request.tp_frame_size = kFrameBytes;
    request.tp_frame_nr = kBlockBytes / kFrameBytes * kBlockCount;
    request.tp_retire_blk_tov = kBlockRetireMs;
    if (setsockopt(descriptor->number(), SOL_PACKET, PACKET_VERSION, &version, sizeof version) !=
            0 ||
        setsockopt(descriptor->number(), SOL_PACKET, PACKET_RX_RING, &request, sizeof request) !=
            0) {
        return system_failure("receive ring on " + place.interface);
    }
    void* memory = mmap(nullptr, kBlockBytes * kBlockCount, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_POPULATE, descriptor->number(), 0);
    if (memory == MAP_FAILED) {
        return system_failure("memory of the receive ring");
    }
    return ReceiveRing{std::move(*descriptor), static_cast<std::byte*>(memory)};
}

ReceiveRing::ReceiveRing(Descriptor socket, std::byte* memory) noexcept
    : socket_{std::move(socket)}, memory_{memory} {}

ReceiveRing::ReceiveRing(ReceiveRing&& other) noexcept
    : socket_{std::move(other.socket_)},
      memory_{std::exchange(other.memory_, nullptr)},
      next_block_{other.next_block_} {}

ReceiveRing::~ReceiveRing() {
    if (memory_ != nullptr) {
        munmap(memory_, kBlockBytes * kBlockCount);
    }
}

void ReceiveRing::drain(int wait_ms, const OnFrame& on_frame) {
    pollfd waited{.fd = socket_.number(), .events = POLLIN, .revents = 0};
    poll(&waited, 1, wait_ms);
    for (std::size_t blocks = 0; blocks < kBlockCount; ++blocks) {
        std::byte* block = memory_ + next_block_ * kBlockBytes;
        auto& header = reinterpret_cast<tpacket_block_desc*>(block)->hdr.bh1;
        std::atomic_ref<std::uint32_t> status{header.block_status};
        if ((status.load(std::memory_order_acquire) & TP_STATUS_USER) == 0) {
            return;
        }
        const std::byte* frame = block + header.offset_to_first_pkt;
        for (std::uint32_t index = 0; index < header.num_pkts; ++index) {
            const auto* received = reinterpret_cast<const tpacket3_hdr*>(frame);
            on_frame({frame + received->tp_mac, received->tp_snaplen},
                     std::uint64_t{received->tp_sec} * 1'000'000'000U + received->tp_nsec);
            frame += received->tp_next_offset;
        }
        status.store(TP_STATUS_KERNEL, std::memory_order_release);
        next_block_ = (next_block_ + 1) % kBlockCount;
    }
}

std::uint64_t ReceiveRing::overflow_count() const {
    tpacket_stats_v3 statistics{};
    socklen_t length = sizeof statistics;
    getsockopt(socket_.number(), SOL_PACKET, PACKET_STATISTICS, &statistics, &length);
    return statistics.tp_drops;
}

}  // namespace towpath::testbed
