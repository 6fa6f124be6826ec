// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/seal_stage.h"

#include <algorithm>
#include <array>

#include "dataplane/wireguard/inner_mss.h"
#include "dataplane/wireguard/inner_packet.h"
#include "dataplane/wireguard/prefetch_payload.h"
#include "dataplane/wireguard/sealing.h"
#include "dataplane/wireguard/unreachable.h"

namespace towpath::wireguard {
namespace {

// Behind the inner packet: padding to 16 bytes, and the tag.
constexpr std::size_t kGrowth_max_bytes = 15 + kTagLength_bytes;

struct Request {
    PacketIndex packet;
    bool repeats;  // same tunnel and destination as the one before: the same peer
    PeerId peer;
};

InnerPacket inner_of(const Packet& packet) noexcept {
    return InnerPacket{packet.bytes().subspan(packet.l3)};
}

// At most crypto::kAeadBatchMax packets, in passes, so that what one needs from memory is on its
// way while the others are looked at.
class SealGroup {
public:
    SealGroup(State& state, Batch& batch) noexcept : state_{state}, batch_{batch} {}

    void take(PacketIndex index) noexcept {
        const Packet& packet = batch_[index];
        const InnerPacket inner = inner_of(packet);
        const Tunnel& tunnel = (*state_.tunnels)[packet.egress];
        if (inner.family() == IpFamily::none) {
            batch_.drop(index, DropReason::tunnel_not_ip);
        } else if (!tunnel.exists()) {  // removed while the packet waited
            batch_.drop(index, DropReason::tunnel_down);
        } else {
            const bool repeats =
                count_ != 0 && packet.egress == egress_ && inner.has_destination_of(destination_);
            if (!repeats) {
                destination_ = inner;
                egress_ = packet.egress;
                inner.with_destination(
                    [&](const auto& address) { tunnel.allowed_ips->prefetch(address); });
            }
            lower_inner_mss(packet.bytes().subspan(packet.l3),
                            (*state_.interfaces)[packet.egress].mtu_bytes);
            requests_[count_++] = {index, repeats, kNoPeer};
        }
    }
    void fetch_owners() noexcept {
        for (std::size_t position = 0; position < count_; ++position) {
            if (!requests_[position].repeats) {
                const Packet& packet = batch_[requests_[position].packet];
                inner_of(packet).with_destination([&](const auto& address) {
                    (*state_.tunnels)[packet.egress].allowed_ips->prefetch_below_root(address);
                });
            }
        }
    }
    void find_peers() noexcept {
        PeerTable& peers = state_.tables.peers();
        std::size_t kept = 0;
        PeerId peer = kNoPeer;
        for (std::size_t position = 0; position < count_; ++position) {
            Request request = requests_[position];
            if (!request.repeats) {
                const Packet& packet = batch_[request.packet];
                peer = inner_of(packet).with_destination([&](const auto& address) {
                    return (*state_.tunnels)[packet.egress].allowed_ips->find(address);
                });
                if (peer != kNoPeer) {
                    peers.prefetch(peer);
                }
            }
            if (peer == kNoPeer) {
                reject_unreachable(batch_, request.packet, DropReason::seal_no_peer);
                continue;
            }
            request.peer = peer;
            requests_[kept++] = request;
        }
        count_ = kept;
    }
    void fetch_sessions() noexcept {
        PeerId last = kNoPeer;
        for (std::size_t position = 0; position < count_; ++position) {
            if (requests_[position].peer != last) {
                last = requests_[position].peer;
                const Peer& peer = state_.tables.peers()[last];
                peer.endpoint.prefetch();
                state_.tables.sessions().prefetch_to_send(peer.slots.load().current());
            }
        }
    }
    void seal(Now now) noexcept {
        Sealing sealing{state_, batch_, now};
        for (std::size_t position = 0; position < count_; ++position) {
            sealing.add(requests_[position].packet, requests_[position].peer);
        }
        sealing.finish();
    }

private:
    State& state_;
    Batch& batch_;
    std::size_t count_ = 0;
    // Of the request taken last.
    InnerPacket destination_{{}};
    InterfaceId egress_ = kNoInterface;
    std::array<Request, crypto::kAeadBatchMax> requests_;
};

}  // namespace

void seal_stage(State& state, Batch& batch, Now now) noexcept {
    PacketList& lane = batch.lane(Lane::seal);
    for (std::size_t begin = 0; begin < lane.size(); begin += crypto::kAeadBatchMax) {
        const std::size_t end = std::min(begin + crypto::kAeadBatchMax, lane.size());
        SealGroup group{state, batch};
        for (std::size_t position = begin; position < end; ++position) {
            prefetch_payload(batch[lane[position]], kGrowth_max_bytes);
            group.take(lane[position]);
        }
        group.fetch_owners();
        group.find_peers();
        group.fetch_sessions();
        group.seal(now);
    }
    lane.clear();
}

}  // namespace towpath::wireguard
