// SPDX-License-Identifier: BSD-3-Clause
// The memory of all packets: a fixed number of equal buffers, each big enough for one frame of the
// largest MTU in one segment (decisions.md N13). Made once at start; nothing is added later.
// A Packet from here has `handle` = the rte_mbuf, `buffer` and `capacity` = its data room.
//
// Any thread may allocate and release. A thread that holds a dpdk::ThreadRegistration works on a
// cache of its own and touches the shared ring only when that is empty or full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/packet/packet.h"
#include "dataplane/wire/result.h"

struct rte_mempool;

namespace towpath::dpdk {

inline constexpr std::uint16_t kHeadRoom_bytes = 128;
inline constexpr std::uint16_t kTailRoom_bytes = 64;
inline constexpr std::uint16_t kLinkOverhead_bytes = 18;  // Ethernet header and one 802.1Q tag
inline constexpr std::uint16_t kMtuMinimum_bytes = 68;    // RFC 791 section 3.2
inline constexpr std::uint16_t kMtuMaximum_bytes = 9216;
inline constexpr std::size_t kBuffersMinimum = 512;
inline constexpr std::size_t kBuffersMaximum = std::size_t{1} << 22U;

struct PacketPoolRequest {
    std::size_t buffers = 0;  // kBuffersMinimum to kBuffersMaximum
    std::uint16_t largest_mtu_bytes = 1500;
};

// Where the buffers lie, for a driver that shares them with the kernel. Every rte_mbuf and its data
// room lie inside.
struct PoolMemory {
    std::byte* base = nullptr;
    std::size_t length_bytes = 0;
    std::size_t stride_bytes = 0;  // from one buffer's start to the next
    bool is_contiguous = false;    // one block; otherwise the other fields are zero
};

class PacketPool {
public:
    // Fails with ExitCode::no_memory when EAL's memory does not hold it. EAL must be up.
    [[nodiscard]] static Outcome<std::unique_ptr<PacketPool>> create(
        const PacketPoolRequest& request);
    // What EalRequest::memory_bytes must have for such a pool, all overheads included.
    [[nodiscard]] static std::size_t memory_bytes(const PacketPoolRequest& request) noexcept;

    PacketPool(const PacketPool&) = delete;
    PacketPool& operator=(const PacketPool&) = delete;
    // Every packet has been released, every port that was given this pool is closed.
    ~PacketPool();

    // Fills the first n of `out` with empty windows (head = kHeadRoom_bytes, length = 0, all other
    // fields as a new Packet) and returns n; n < out.size() only when the pool is exhausted.
    [[nodiscard]] std::size_t allocate(std::span<Packet> out) noexcept;
    // Takes back what allocate or a port's receive gave. Each packet exactly once.
    void release(std::span<const Packet> packets) noexcept;

    [[nodiscard]] std::size_t buffers() const noexcept { return buffers_; }
    // Not in any packet; caches of threads included. Slow: for status and tests.
    [[nodiscard]] std::size_t available() const noexcept;
    [[nodiscard]] std::uint16_t largest_mtu_bytes() const noexcept { return largest_mtu_bytes_; }
    [[nodiscard]] std::uint16_t data_room_bytes() const noexcept { return data_room_bytes_; }
    [[nodiscard]] PoolMemory memory() const noexcept;
    // For drivers only.
    [[nodiscard]] rte_mempool* mempool() const noexcept { return mempool_; }

private:
    PacketPool(rte_mempool* mempool, const PacketPoolRequest& request) noexcept;

    rte_mempool* mempool_;
    std::size_t buffers_;
    std::uint16_t largest_mtu_bytes_;
    std::uint16_t data_room_bytes_;
};

}  // namespace towpath::dpdk
