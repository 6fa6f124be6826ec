// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/seal_stage.h"

#include "dataplane/wireguard/inner_packet.h"
#include "dataplane/wireguard/sealing.h"
#include "dataplane/wireguard/unreachable.h"

namespace towpath::wireguard {
namespace {

InnerPacket inner_of(const Packet& packet) noexcept {
    return InnerPacket{packet.bytes().subspan(packet.l3)};
}

}  // namespace

void seal_stage(State& state, Batch& batch, Now now) noexcept {
    PacketList& lane = batch.lane(Lane::seal);
    Sealing sealing{state, batch, now};
    for (const PacketIndex index : lane) {
        const Packet& packet = batch[index];
        const InnerPacket inner = inner_of(packet);
        const Tunnel& tunnel = (*state.tunnels)[packet.egress];
        if (inner.family() == IpFamily::none) {
            batch.drop(index, DropReason::tunnel_not_ip);
            continue;
        }
        if (!tunnel.exists()) {  // removed while the packet waited
            batch.drop(index, DropReason::tunnel_down);
            continue;
        }
        const PeerId peer = inner.owner_of_destination(*tunnel.allowed_ips);
        if (peer == kNoPeer) {
            reject_unreachable(batch, index, DropReason::seal_no_peer);
            continue;
        }
        sealing.add(index, peer);
        if (sealing.is_full()) {
            sealing.finish();
        }
    }
    sealing.finish();
    lane.clear();
}

}  // namespace towpath::wireguard
