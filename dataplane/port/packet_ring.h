// SPDX-License-Identifier: BSD-3-Clause
// The receive side of one packet socket: a ring of frames that the kernel fills and this process
// reads without system calls (TPACKET_V2, so that a frame is visible as soon as it is there).
// Each frame carries its virtio_net header (PACKET_VNET_HDR): unfinished checksums and merged
// frames are visible (decisions.md N6). No defragmentation, nothing of what this host sends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "dataplane/port/file_descriptor.h"
#include "dataplane/port/kernel_device.h"
#include "dataplane/wire/result.h"

struct tpacket2_hdr;

namespace towpath::port {

// What the sender left undone: the virtio_net header, in the order of bytes of this machine
// (Virtual I/O Device 1.2 section 5.1.6; the kernel's header for it is not C++).
struct OffloadHeader {
    std::uint8_t flags;
    std::uint8_t merge_kind;
    std::uint16_t header_length_bytes;
    std::uint16_t segment_bytes;
    std::uint16_t checksum_start;  // from the frame's first byte
    std::uint16_t checksum_field;  // from checksum_start
};
static_assert(sizeof(OffloadHeader) == 10);
inline constexpr std::uint8_t kNeedsChecksum = 1;
inline constexpr std::uint8_t kMergeNone = 0;
inline constexpr std::uint8_t kMergeTcp4 = 1;
inline constexpr std::uint8_t kMergeEcn = 0x80;  // a flag beside the kind

// One frame, valid until give_back.
struct RingFrame {
    std::span<const std::byte> bytes;
    const OffloadHeader* offload = nullptr;
    std::uint16_t vlan_tag = 0;
    std::uint16_t vlan_protocol = 0;  // 0: the frame had no tag that the kernel took out
    bool is_cut = false;              // the frame was longer than the ring holds
};

// Rings of one device that share its frames by flow have the same `group`; without one a ring sees
// every frame.
struct RingRequest {
    std::string interface_name;  // for sentences
    std::uint16_t mtu_bytes = 1500;
    std::uint16_t ether_type = 0;  // only frames of this type; 0: all
    bool starts_group = false;
    std::optional<std::uint16_t> group{};
};

class PacketRing {
public:
    // The ring is deaf until start(), so that no frame is delivered twice while a group forms.
    [[nodiscard]] static Outcome<PacketRing> open(const RingRequest& request,
                                                  const KernelDevice& device);
    PacketRing(PacketRing&& other) noexcept;
    PacketRing& operator=(PacketRing&&) = delete;
    ~PacketRing();

    void start() noexcept;

    // How many frames are ready, up to `most`.
    [[nodiscard]] std::size_t ready(std::size_t most) const noexcept;
    // The next ready frame; there is one.
    [[nodiscard]] RingFrame front() const noexcept;
    // Returns the front frame to the kernel.
    void give_back() noexcept;

    // Frames that the kernel could not put into the ring since the last call.
    [[nodiscard]] std::uint64_t take_missed() const noexcept;
    // Forgets an error that would keep ppoll from sleeping (the link went down).
    void forget_error() const noexcept;
    [[nodiscard]] int descriptor() const noexcept { return socket_.number(); }
    [[nodiscard]] std::optional<std::uint16_t> group() const noexcept { return group_; }
    [[nodiscard]] std::size_t frames() const noexcept { return frames_; }

private:
    explicit PacketRing(FileDescriptor socket) noexcept : socket_{std::move(socket)} {}
    [[nodiscard]] bool map(std::size_t frame_bytes) noexcept;
    [[nodiscard]] tpacket2_hdr* header_at_position(std::size_t position) const noexcept;

    FileDescriptor socket_;
    std::byte* memory_ = nullptr;
    std::size_t memory_bytes_ = 0;
    std::size_t frame_bytes_ = 0;
    std::size_t frames_ = 0;  // a power of two
    std::size_t next_ = 0;
    std::optional<std::uint16_t> group_;
};

}  // namespace towpath::port
