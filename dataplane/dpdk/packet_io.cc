// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dpdk/packet_io.h"

namespace towpath::dpdk {

Packet packet_from_chain(rte_mbuf& first) noexcept {
    if (rte_pktmbuf_linearize(&first) == 0) {
        return packet_over(first);
    }
    rte_pktmbuf_free(first.next);
    first.next = nullptr;
    first.nb_segs = 1;
    first.pkt_len = first.data_len;
    Packet packet = packet_over(first);
    packet.verdict = DropReason::multi_segment;
    return packet;
}

}  // namespace towpath::dpdk
