// SPDX-License-Identifier: BSD-3-Clause
// One AF_XDP socket on one queue of a netdev, with frame memory (umem) of its own: half of the
// frames for receiving, half for transmitting. Frames are copied between umem and packets, so a
// packet never depends on the device it came from and the pool need not be laid out for the kernel.
// A socket that only transmits needs no XDP program and works on any netdev: it is the cheapest way
// into the kernel's transmit path, one call and no look at the headers for a whole burst.
//
// receive: one thread; transmit and flush: one thread, maybe another. They share nothing but the
// descriptor. No blocking, no allocation after open.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/packet/packet.h"
#include "dataplane/port/kernel_device.h"
#include "dataplane/wire/result.h"

namespace towpath::port {

inline constexpr std::uint32_t kXskRingSize = 2048;  // frames in each direction
// The kernel keeps this much of every umem frame for itself when it receives.
inline constexpr std::uint32_t kXskReserved_bytes = 256;
inline constexpr std::uint32_t kXskFrameMaximum_bytes = 4096;  // one page
inline constexpr std::uint32_t kXskLargestFrame_bytes = kXskFrameMaximum_bytes - kXskReserved_bytes;

struct XskQueueRequest {
    std::string interface_name;  // for sentences
    std::uint32_t queue = 0;
    std::uint32_t largest_frame_bytes = 1518;  // at most kXskLargestFrame_bytes
    bool zero_copy = false;                    // of the driver; fails where it has none
    bool transmits_only = false;  // then a frame may fill kXskFrameMaximum_bytes; not zero copy
};

// What became of frames that were queued for transmission.
enum class XskFlush : std::uint8_t {
    done,     // the kernel has taken all of them
    waiting,  // some are still queued: the device is busy, flush again
    refused,  // none was looked at: the link is down or gone
};

class XskQueue {
public:
    // Waits at most a second for the socket of a process that has just ended.
    [[nodiscard]] static Outcome<std::unique_ptr<XskQueue>> open(const XskQueueRequest& request,
                                                                 const KernelDevice& device);
    XskQueue(const XskQueue&) = delete;
    XskQueue& operator=(const XskQueue&) = delete;
    ~XskQueue();

    [[nodiscard]] int descriptor() const noexcept;

    // How many frames are ready, up to `most`.
    [[nodiscard]] std::size_t ready(std::size_t most) noexcept;
    // The frame at `position` of those that ready() has counted; valid until give_back.
    [[nodiscard]] std::span<std::byte> frame(std::size_t position) noexcept;
    // Returns the first `count` ready frames to the kernel.
    void give_back(std::size_t count) noexcept;
    // Asks the driver to receive when it waits for that; after a round without frames.
    void wake_receive() noexcept;

    // Copies and queues the first n frames for which there is room, and returns n. Frames longer
    // than umem frames are skipped and counted as taken: the link stage never makes them.
    [[nodiscard]] std::size_t transmit(std::span<const Packet> packets) noexcept;
    // Starts what transmit has queued; tries a busy device a few times.
    XskFlush flush() noexcept;
    // transmit and flush in one, for a socket that only transmits: a link that is down takes
    // nothing, and nothing stays queued for the time when it is up again.
    [[nodiscard]] std::size_t send(std::span<const Packet> packets) noexcept;

    // Frames for which the kernel found no room, since open.
    [[nodiscard]] std::uint64_t missed() const noexcept;

private:
    struct Handles;  // of libxdp
    explicit XskQueue(std::uint32_t frame_bytes) noexcept;
    [[nodiscard]] int create(const XskQueueRequest& request, const KernelDevice& device);
    void fill_frames(bool transmits_only) noexcept;
    void reclaim() noexcept;
    void withdraw(std::uint32_t begin) noexcept;
    [[nodiscard]] std::byte* at(std::uint64_t address) noexcept { return memory_ + address; }

    std::unique_ptr<Handles> handles_;
    std::byte* memory_ = nullptr;
    std::size_t memory_bytes_ = 0;
    std::uint32_t frame_bytes_;
    std::uint32_t receive_index_ = 0;
    std::size_t counted_ = 0;
    // Of the transmitting thread.
    alignas(64) std::size_t free_count_ = 0;
    std::array<std::uint64_t, kXskRingSize> free_frames_{};
};

}  // namespace towpath::port
