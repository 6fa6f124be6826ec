// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dpdk/packet_io.h"

namespace towpath::dpdk {

void take_over_chain(rte_mbuf& first, Packet& packet) noexcept {
    if (rte_pktmbuf_linearize(&first) == 0) {
        take_over(first, packet);
        return;
    }
    rte_pktmbuf_free(first.next);
    first.next = nullptr;
    first.nb_segs = 1;
    first.pkt_len = first.data_len;
    take_over(first, packet);
    packet.verdict = DropReason::multi_segment;
}

}  // namespace towpath::dpdk
