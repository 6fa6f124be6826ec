// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dpdk/packet_pool.h"

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>

#include "dataplane/dpdk/packet_io.h"

namespace towpath::dpdk {

namespace {

constexpr std::size_t kBulk = 64;
constexpr std::size_t kCacheMaximum = 256;  // buffers per registered thread

std::uint16_t data_room_for(std::uint16_t mtu_bytes) noexcept {
    // Whole cache lines, so that buffers of two packets never share one.
    const std::size_t room =
        std::size_t{kHeadRoom_bytes} + mtu_bytes + kLinkOverhead_bytes + kTailRoom_bytes;
    return static_cast<std::uint16_t>((room + 63U) & ~std::size_t{63});
}

void take_empty(rte_mbuf& mbuf, Packet& packet) noexcept {
    take_over(mbuf, packet);
    packet.head = kHeadRoom_bytes;
    packet.length = 0;
}

}  // namespace

Outcome<std::unique_ptr<PacketPool>> PacketPool::create(const PacketPoolRequest& request) {
    if (request.buffers < kBuffersMinimum || request.buffers > kBuffersMaximum) {
        return fail(ExitCode::usage, "a packet pool has " + std::to_string(kBuffersMinimum) +
                                         " to " + std::to_string(kBuffersMaximum) +
                                         " buffers, not " + std::to_string(request.buffers));
    }
    if (request.largest_mtu_bytes < kMtuMinimum_bytes ||
        request.largest_mtu_bytes > kMtuMaximum_bytes) {
        return fail(ExitCode::usage, "an MTU is " + std::to_string(kMtuMinimum_bytes) + " to " +
                                         std::to_string(kMtuMaximum_bytes) + " bytes, not " +
                                         std::to_string(request.largest_mtu_bytes));
    }
    static std::atomic<unsigned> pools_made{0};
    const std::string name = "packets_" + std::to_string(pools_made.fetch_add(1));
    rte_mempool* const mempool = rte_pktmbuf_pool_create(
        name.c_str(), static_cast<unsigned>(request.buffers),
        static_cast<unsigned>(std::min(kCacheMaximum, request.buffers / 16)), 0,
        data_room_for(request.largest_mtu_bytes), SOCKET_ID_ANY);
    if (mempool == nullptr) {
        return fail(ExitCode::no_memory,
                    "packet memory of " + std::to_string(memory_bytes(request) >> 20U) +
                        " MiB for " + std::to_string(request.buffers) +
                        " buffers could not be had: " + rte_strerror(rte_errno) +
                        "; lower the capacity or add memory");
    }
    return std::unique_ptr<PacketPool>{new PacketPool{mempool, request}};
}

std::size_t PacketPool::memory_bytes(const PacketPoolRequest& request) noexcept {
    constexpr std::size_t kObjectOverhead_bytes = 192;  // header and spreading over channels
    const std::size_t object =
        sizeof(rte_mbuf) + data_room_for(request.largest_mtu_bytes) + kObjectOverhead_bytes;
    const std::size_t ring = std::bit_ceil(request.buffers + 1) * sizeof(void*);
    const std::size_t caches = RTE_MAX_LCORE * sizeof(rte_mempool_cache);
    constexpr std::size_t kAlignment_bytes = std::size_t{4} << 20U;
    return request.buffers * object + ring + caches + kAlignment_bytes;
}

PacketPool::PacketPool(rte_mempool* mempool, const PacketPoolRequest& request) noexcept
    : mempool_{mempool},
      buffers_{request.buffers},
      largest_mtu_bytes_{request.largest_mtu_bytes},
      data_room_bytes_{data_room_for(request.largest_mtu_bytes)} {}

PacketPool::~PacketPool() {
    rte_mempool_free(mempool_);
}

std::size_t PacketPool::allocate(std::span<Packet> out) noexcept {
    std::array<rte_mbuf*, kBulk> mbufs;  // what is read of it was written before
    std::size_t filled = 0;
    while (filled < out.size()) {
        const auto wanted = static_cast<unsigned>(std::min(kBulk, out.size() - filled));
        if (rte_pktmbuf_alloc_bulk(mempool_, mbufs.data(), wanted) != 0) {
            break;
        }
        for (unsigned index = 0; index < wanted; ++index) {
            take_empty(*mbufs[index], out[filled++]);
        }
    }
    // A bulk is all or nothing: near the end take what is left one by one.
    while (filled < out.size()) {
        rte_mbuf* const mbuf = rte_pktmbuf_alloc(mempool_);
        if (mbuf == nullptr) {
            break;
        }
        take_empty(*mbuf, out[filled++]);
    }
    return filled;
}

void PacketPool::release(std::span<const Packet> packets) noexcept {
    std::array<rte_mbuf*, kBulk> mbufs;  // what is read of it was written before
    while (!packets.empty()) {
        const std::size_t count = std::min(kBulk, packets.size());
        for (std::size_t index = 0; index < count; ++index) {
            mbufs[index] = mbuf_of(packets[index]);
        }
        rte_pktmbuf_free_bulk(mbufs.data(), static_cast<unsigned>(count));
        packets = packets.subspan(count);
    }
}

std::size_t PacketPool::available() const noexcept {
    return rte_mempool_avail_count(mempool_);
}

PoolMemory PacketPool::memory() const noexcept {
    if (mempool_->nb_mem_chunks != 1) {
        return {};
    }
    const rte_mempool_memhdr* const chunk = STAILQ_FIRST(&mempool_->mem_list);
    return {.base = static_cast<std::byte*>(chunk->addr),
            .length_bytes = chunk->len,
            .stride_bytes =
                mempool_->header_size + mempool_->elt_size + std::size_t{mempool_->trailer_size},
            .is_contiguous = true};
}

}  // namespace towpath::dpdk
