// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/path_mtu.h"

#include "dataplane/packet/quoted_udp.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/wireguard.h"

namespace towpath::wireguard {
namespace {

// Whether we send to the peer under this index of its.
bool sends_under(State& state, const Peer& peer, le32 receiver_index) noexcept {
    const PeerSlots slots = peer.slots.load();
    for (const std::uint32_t slot : {slots.current(), slots.previous()}) {
        if (slot != PeerSlots::kNone &&
            state.tables.sessions()[slot].remote_index == receiver_index.host()) {
            return true;
        }
    }
    return false;
}

// The peer that the quoted datagram was sent to; kNoPeer: none of ours.
PeerId quoted_peer(State& state, const QuotedUdp& quoted) noexcept {
    const auto* const header = header_at<TransportHeader>(quoted.payload, 0);
    if (header == nullptr || header->type != type_word(MessageType::transport_data)) {
        return kNoPeer;
    }
    return state.tables.known_sources().find(quoted.destination, [&](PeerId id) {
        const Peer& peer = state.tables.peers()[id];
        return (*state.tunnels)[peer.tunnel()].listen_port == quoted.source.port &&
               sends_under(state, peer, header->receiver_index);
    });
}

}  // namespace

void take_too_big(State& state, Batch& batch, PacketIndex index, Now now) noexcept {
    const Packet& packet = batch[index];
    const std::optional<QuotedUdp> quoted = quoted_udp6(packet);
    const IpAddress ours{packet.header<Ipv6Header>(packet.l3).destination};
    const PeerId id =
        quoted && quoted->source.address == ours ? quoted_peer(state, *quoted) : kNoPeer;
    if (id == kNoPeer) {
        batch.drop(index, DropReason::icmp_error_no_mapping);
        return;
    }
    const std::uint32_t told = packet.header<Icmpv6Header>(packet.l4).body.host();
    const auto path_mtu_bytes =
        static_cast<std::uint16_t>(std::clamp<std::uint32_t>(told, kIpv6MtuMinimum_bytes, 0xFFFF));
    // Who finds another writer at work gives up: the next packet that is too big says it again.
    Peer& peer = state.tables.peers()[id];
    const bool is_heard = peer.endpoint.update([&](PeerEndpoint& endpoint) {
        const bool is_no_wider =
            endpoint.remote == quoted->destination &&
            (endpoint.path_mtu_bytes == 0 || path_mtu_bytes <= endpoint.path_mtu_bytes);
        if (is_no_wider) {
            endpoint.path_mtu_bytes = path_mtu_bytes;
            endpoint.path_mtu_told = now;
        }
        return is_no_wider;
    });
    if (is_heard) {
        peer.set(Peer::kPathMtuTold);
    }
    batch.put(index, Lane::absorb);
}

void forget_old_path_mtu(Peer& peer, Now now) noexcept {
    const auto holds = [now](const PeerEndpoint& endpoint) {
        return endpoint.path_mtu_bytes != 0 && now - endpoint.path_mtu_told < kPathMtuAge_max;
    };
    if (holds(peer.endpoint.read())) {
        return;
    }
    peer.clear(Peer::kPathMtuTold);
    peer.endpoint.update([&](PeerEndpoint& endpoint) {
        const bool is_old = endpoint.path_mtu_bytes != 0 && !holds(endpoint);
        endpoint.path_mtu_bytes = is_old ? std::uint16_t{0} : endpoint.path_mtu_bytes;
        return is_old;
    });
    // Told again meanwhile, or another writer was in.
    if (peer.endpoint.read().path_mtu_bytes != 0) {
        peer.set(Peer::kPathMtuTold);
    }
}

void refuse_too_long(Batch& batch, PacketIndex index, std::uint16_t mtu_bytes) noexcept {
    Packet& packet = batch[index];
    const auto& ip = packet.header<Ipv4Header>(packet.l3);
    if (ip.version() != 4) {
        batch.reject6(index, DropReason::route_too_big,
                      static_cast<std::uint8_t>(Icmpv6Type::packet_too_big), 0, mtu_bytes);
    } else if (ip.dont_fragment()) {
        batch.reject(index, DropReason::route_too_big,
                     static_cast<std::uint8_t>(IcmpType::destination_unreachable),
                     kIcmpFragmentationNeeded, mtu_bytes);
    } else {
        packet.icmp_mtu_bytes = mtu_bytes;
        packet.is_originated = true;  // its TTL was decremented on the way here
        batch.put(index, Lane::link);
    }
}

}  // namespace towpath::wireguard
