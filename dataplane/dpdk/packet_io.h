// SPDX-License-Identifier: BSD-3-Clause
// Between an rte_mbuf and a Packet: the only place that knows both. A Packet's window replaces the
// mbuf's offsets while stages hold it; they are written back before a device sees the mbuf.
#pragma once

#include <rte_mbuf.h>

#include "dataplane/dpdk/packet_pool.h"
#include "dataplane/packet/packet.h"

namespace towpath::dpdk {

static_assert(RTE_PKTMBUF_HEADROOM == kHeadRoom_bytes);

[[nodiscard]] inline rte_mbuf* mbuf_of(const Packet& packet) noexcept {
    return static_cast<rte_mbuf*>(packet.handle);
}

// Makes `packet` one over a single segment, its window as the mbuf has it.
inline void take_over(rte_mbuf& mbuf, Packet& packet) noexcept {
    packet = kNothingKnown;
    packet.buffer = static_cast<std::byte*>(mbuf.buf_addr);
    packet.handle = &mbuf;
    packet.head = mbuf.data_off;
    packet.length = mbuf.data_len;
    packet.capacity = mbuf.buf_len;
}

// The same of chained segments: they are joined in the first, or, when they do not fit, the packet
// is the first segment with verdict multi_segment and the rest is freed.
void take_over_chain(rte_mbuf& first, Packet& packet) noexcept;

// Over what a device received.
inline void take_from_device(rte_mbuf& mbuf, Packet& packet) noexcept {
    if (mbuf.nb_segs == 1) {
        take_over(mbuf, packet);
    } else {
        take_over_chain(mbuf, packet);
    }
}

// Writes the window back and asks the device for nothing (N13).
[[nodiscard]] inline rte_mbuf* mbuf_for_device(const Packet& packet) noexcept {
    rte_mbuf* const mbuf = mbuf_of(packet);
    mbuf->data_off = packet.head;
    mbuf->data_len = packet.length;
    mbuf->pkt_len = packet.length;
    mbuf->ol_flags = 0;
    mbuf->tx_offload = 0;
    return mbuf;
}

}  // namespace towpath::dpdk
