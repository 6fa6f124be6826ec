// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/port/xsk_queue.h"

#include <linux/if_xdp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <xdp/xsk.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace towpath::port {
namespace {

constexpr std::uint32_t kSmallFrame_bytes = 2048;
constexpr int kAttemptsMax = 100;
constexpr int kPause_ms = 10;
// More calls than this in one flush would starve receiving.
constexpr int kWakeupsMax = 8;
// In copy mode one call sends at most 32 frames unless the kernel (6.17 and later) is told more.
// The option's name is newer than the headers of Debian 12.
constexpr int kOptionTransmitBudget = 9;
constexpr std::uint32_t kTransmitBudget = 256;
// Every frame that a device has not yet sent counts against the socket's buffer.
constexpr int kKernelBuffer_bytes = 8 << 20;

// Both only make it faster: what an older kernel or a missing permission refuses is done without.
void raise_limits(int socket) noexcept {
    (void)::setsockopt(socket, SOL_XDP, kOptionTransmitBudget, &kTransmitBudget,
                       sizeof kTransmitBudget);
    (void)::setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &kKernelBuffer_bytes,
                       sizeof kKernelBuffer_bytes);
}

}  // namespace

struct XskQueue::Handles {
    xsk_umem* umem = nullptr;
    xsk_socket* socket = nullptr;
    xsk_ring_prod fill{};
    xsk_ring_cons completion{};
    xsk_ring_cons receive{};
    xsk_ring_prod transmit{};
};

XskQueue::XskQueue(std::uint32_t frame_bytes) noexcept
    : handles_{std::make_unique<Handles>()}, frame_bytes_{frame_bytes} {}

XskQueue::~XskQueue() {
    if (handles_->socket != nullptr) {
        xsk_socket__delete(handles_->socket);
    }
    if (handles_->umem != nullptr) {
        xsk_umem__delete(handles_->umem);
    }
    if (memory_ != nullptr) {
        ::munmap(memory_, memory_bytes_);
    }
}

int XskQueue::create(const XskQueueRequest& request, const KernelDevice& device) {
    const std::size_t directions = request.transmits_only ? 1 : 2;
    memory_bytes_ = std::size_t{frame_bytes_} * kXskRingSize * directions;
    void* memory = ::mmap(nullptr, memory_bytes_, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) {
        return -ENOMEM;
    }
    memory_ = static_cast<std::byte*>(memory);
    const xsk_umem_config layout{kXskRingSize, kXskRingSize, frame_bytes_, 0, 0};
    int error = xsk_umem__create(&handles_->umem, memory_, memory_bytes_, &handles_->fill,
                                 &handles_->completion, &layout);
    if (error != 0) {
        handles_->umem = nullptr;
        return error;
    }
    xsk_socket_config options{};
    options.rx_size = request.transmits_only ? 0 : kXskRingSize;
    options.tx_size = kXskRingSize;
    options.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;
    const std::uint32_t mode = request.zero_copy ? XDP_ZEROCOPY : XDP_COPY;
    options.bind_flags = static_cast<std::uint16_t>(XDP_USE_NEED_WAKEUP | mode);
    error = xsk_socket__create(
        &handles_->socket, device.name.c_str(), request.queue, handles_->umem,
        request.transmits_only ? nullptr : &handles_->receive, &handles_->transmit, &options);
    if (error != 0) {
        handles_->socket = nullptr;
        return error;
    }
    raise_limits(descriptor());
    fill_frames(request.transmits_only);
    return 0;
}

// Hands the kernel the frames that it receives into; the others are free for transmitting.
void XskQueue::fill_frames(bool transmits_only) noexcept {
    std::uint32_t next = 0;
    std::uint32_t index = 0;
    // The ring is new and has room for all.
    if (!transmits_only &&
        xsk_ring_prod__reserve(&handles_->fill, kXskRingSize, &index) == kXskRingSize) {
        for (; next < kXskRingSize; ++next) {
            *xsk_ring_prod__fill_addr(&handles_->fill, index + next) =
                std::uint64_t{next} * frame_bytes_;
        }
        xsk_ring_prod__submit(&handles_->fill, kXskRingSize);
    }
    while (free_count_ < kXskRingSize) {
        free_frames_[free_count_++] = std::uint64_t{next++} * frame_bytes_;
    }
}

Outcome<std::unique_ptr<XskQueue>> XskQueue::open(const XskQueueRequest& request,
                                                  const KernelDevice& device) {
    const std::uint32_t frame_bytes =
        request.largest_frame_bytes + (request.transmits_only ? 0 : kXskReserved_bytes) <=
                kSmallFrame_bytes
            ? kSmallFrame_bytes
            : kXskFrameMaximum_bytes;
    int error = 0;
    // The kernel frees the queue of a dead process a moment after the process is gone.
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
        std::unique_ptr<XskQueue> queue{new XskQueue{frame_bytes}};
        error = queue->create(request, device);
        if (error == 0) {
            return queue;
        }
        if (error != -EBUSY) {
            break;
        }
        queue.reset();
        static_cast<void>(::poll(nullptr, 0, kPause_ms));
    }
    const ExitCode code = error == -EPERM || error == -EACCES     ? ExitCode::no_permission
                          : error == -EBUSY                       ? ExitCode::address_in_use
                          : error == -ENOMEM || error == -ENOBUFS ? ExitCode::no_memory
                                                                  : ExitCode::port_unavailable;
    return fail(code, request.interface_name + ": receive queue " + std::to_string(request.queue) +
                          " of " + device.name + " cannot be bound to AF_XDP: " +
                          std::strerror(error < 0 ? -error : error));
}

int XskQueue::descriptor() const noexcept {
    return xsk_socket__fd(handles_->socket);
}

std::size_t XskQueue::ready(std::size_t most) noexcept {
    // peek moves the library's cursor; what was counted and not given back is put back first.
    if (counted_ != 0) {
        xsk_ring_cons__cancel(&handles_->receive, static_cast<std::uint32_t>(counted_));
    }
    counted_ =
        xsk_ring_cons__peek(&handles_->receive, static_cast<std::uint32_t>(most), &receive_index_);
    return counted_;
}

std::span<std::byte> XskQueue::frame(std::size_t position) noexcept {
    const xdp_desc* found = xsk_ring_cons__rx_desc(
        &handles_->receive, receive_index_ + static_cast<std::uint32_t>(position));
    return {at(found->addr), found->len};
}

void XskQueue::give_back(std::size_t count) noexcept {
    const auto frames = static_cast<std::uint32_t>(count);
    std::uint32_t index = 0;
    // There is room: a frame is either in this ring or with us.
    if (frames == 0 || xsk_ring_prod__reserve(&handles_->fill, frames, &index) != frames) {
        return;
    }
    const std::uint64_t start_mask = ~std::uint64_t{frame_bytes_ - 1};
    for (std::uint32_t position = 0; position < frames; ++position) {
        const xdp_desc* found =
            xsk_ring_cons__rx_desc(&handles_->receive, receive_index_ + position);
        *xsk_ring_prod__fill_addr(&handles_->fill, index + position) = found->addr & start_mask;
    }
    xsk_ring_prod__submit(&handles_->fill, frames);
    xsk_ring_cons__release(&handles_->receive, frames);
    receive_index_ += frames;
    counted_ -= count;
}

void XskQueue::wake_receive() noexcept {
    if (xsk_ring_prod__needs_wakeup(&handles_->fill) != 0) {
        static_cast<void>(::recvfrom(descriptor(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr));
    }
}

void XskQueue::reclaim() noexcept {
    std::uint32_t index = 0;
    const std::uint32_t done = xsk_ring_cons__peek(&handles_->completion, kXskRingSize, &index);
    for (std::uint32_t position = 0; position < done; ++position) {
        free_frames_[free_count_++] =
            *xsk_ring_cons__comp_addr(&handles_->completion, index + position);
    }
    xsk_ring_cons__release(&handles_->completion, done);
}

std::size_t XskQueue::transmit(std::span<const Packet> packets) noexcept {
    if (free_count_ < packets.size()) {
        reclaim();
    }
    const std::size_t taken = std::min(packets.size(), free_count_);
    std::uint32_t index = 0;
    // As many descriptors as frames exist, so there is one for every free frame.
    std::uint32_t queued = 0;
    for (const Packet& packet : packets.first(taken)) {
        if (packet.length > frame_bytes_ ||
            xsk_ring_prod__reserve(&handles_->transmit, 1, &index) != 1) {
            continue;
        }
        const std::uint64_t address = free_frames_[--free_count_];
        std::memcpy(at(address), packet.data(), packet.length);
        xdp_desc* descriptor = xsk_ring_prod__tx_desc(&handles_->transmit, index);
        descriptor->addr = address;
        descriptor->len = packet.length;
        descriptor->options = 0;
        ++queued;
    }
    xsk_ring_prod__submit(&handles_->transmit, queued);
    return taken;
}

XskFlush XskQueue::flush() noexcept {
    const auto is_done = [this] {
        return xsk_prod_nb_free(&handles_->transmit, kXskRingSize) == kXskRingSize ||
               xsk_ring_prod__needs_wakeup(&handles_->transmit) == 0;
    };
    for (int wakeup = 0; wakeup < kWakeupsMax; ++wakeup) {
        if (is_done()) {
            return XskFlush::done;
        }
        if (::sendto(descriptor(), nullptr, 0, MSG_DONTWAIT, nullptr, 0) < 0) {
            if (errno != EAGAIN && errno != EBUSY && errno != ENOBUFS) {
                return XskFlush::refused;  // the link is down; frames stay queued until it is up
            }
            reclaim();  // the kernel sends no more than it may complete
        }
    }
    return is_done() ? XskFlush::done : XskFlush::waiting;
}

std::size_t XskQueue::send(std::span<const Packet> packets) noexcept {
    const std::uint32_t begin = handles_->transmit.cached_prod;
    const std::size_t taken = transmit(packets);
    if (flush() == XskFlush::refused) {
        withdraw(begin);
        return 0;
    }
    return taken;
}

// Takes back what was queued since `begin`. Only after a refusal, which comes before the kernel has
// read the ring: in copy mode it reads nowhere but in our own calls.
void XskQueue::withdraw(std::uint32_t begin) noexcept {
    xsk_ring_prod& ring = handles_->transmit;
    for (std::uint32_t index = begin; index != ring.cached_prod; ++index) {
        free_frames_[free_count_++] = xsk_ring_prod__tx_desc(&ring, index)->addr;
    }
    ring.cached_prod = begin;
    std::atomic_ref<std::uint32_t>{*ring.producer}.store(begin, std::memory_order_release);
}

std::uint64_t XskQueue::missed() const noexcept {
    xdp_statistics found{};
    socklen_t length_bytes = sizeof found;
    if (::getsockopt(descriptor(), SOL_XDP, XDP_STATISTICS, &found, &length_bytes) != 0) {
        return 0;
    }
    // A frame for which the fill ring was empty is in rx_dropped already.
    return found.rx_dropped + found.rx_ring_full;
}

}  // namespace towpath::port
