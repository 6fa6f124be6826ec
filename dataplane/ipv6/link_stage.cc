// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipv6/link_stage.h"

#include <algorithm>

#include "dataplane/ipv6/ipv6_fragmentation.h"
#include "dataplane/packet/ipv6_next_hop.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/ipv6.h"

namespace towpath::ipv6 {
namespace {

// The frame begins directly in front of the IPv6 header, wherever that came to stand.
void write_ethernet(Packet& packet, const EthernetHeader& ethernet) noexcept {
    const int shift = packet.l3 - static_cast<int>(sizeof(EthernetHeader));
    packet.head = static_cast<std::uint16_t>(packet.head + shift);
    packet.length = static_cast<std::uint16_t>(packet.length - shift);
    packet.l4 = static_cast<std::uint8_t>(packet.l4 - shift);
    packet.l3 = sizeof(EthernetHeader);
    packet.header<EthernetHeader>(0) = ethernet;
}

void decrement_hop_limit(Packet& packet) noexcept {
    if (!packet.is_originated && !packet.from_host) {
        --packet.header<Ipv6Header>(packet.l3).hop_limit;
    }
}

// Allowed IPs say which peer it is for: there are no neighbours behind a tunnel.
void pass_to_tunnel(Batch& batch, PacketIndex index) noexcept {
    decrement_hop_limit(batch[index]);
    batch.put(index, Lane::seal);
}

// Datagrams that this box sends itself are those of tunnels; nobody else's are cut on the way
// (RFC 8200 section 5).
bool may_be_cut(const Packet& packet) noexcept {
    return packet.is_originated && packet.transport == TransportKind::udp;
}

// What the link carries, and the way behind it as far as it is known (decisions.md W8).
std::uint16_t mtu_towards(const Packet& packet, const Interface& egress) noexcept {
    return may_be_cut(packet) && packet.icmp_mtu_bytes != 0
               ? std::min(packet.icmp_mtu_bytes, egress.mtu_bytes)
               : egress.mtu_bytes;
}

void send(LinkState& state, Batch& batch, PacketIndex index, const Interface& egress,
          MacAddress mac) noexcept {
    Packet& packet = batch[index];
    const std::uint16_t mtu_bytes = mtu_towards(packet, egress);
    const bool is_too_long = packet.length - std::size_t{packet.l3} > mtu_bytes;
    if (is_too_long && (!may_be_cut(packet) || mtu_bytes < kIpv6MtuMinimum_bytes)) {
        batch.drop(index, DropReason::route_too_big);
        return;
    }
    decrement_hop_limit(packet);
    write_ethernet(packet, {mac, egress.mac, be16{kEtherTypeIpv6}});
    if (is_too_long) {
        put_in_fragments(batch, index, mtu_bytes, state.identifications.next());
    } else {
        batch.put(index, Lane::transmit);
    }
}

}  // namespace

void link_stage(LinkState& state, Batch& batch, Now now) noexcept {
    PacketList& lane = batch.lane(Lane::link6);
    for (const PacketIndex index : lane) {
        const Packet& packet = batch[index];
        const Interface& egress = (*state.view.interfaces)[packet.egress];
        if (!egress.is_up) {
            batch.drop(index, DropReason::port_down);
            continue;
        }
        if (egress.is_tunnel) {
            pass_to_tunnel(batch, index);
            continue;
        }
        const auto mac = state.neighbors->find({packet.egress, ipv6_next_hop(packet)});
        if (mac.has_value()) {
            send(state, batch, index, egress, *mac);
        } else if (state.resolver == nullptr) {
            batch.hand_off(index, 0, Lane::link6);
        } else {
            state.resolver->resolve(batch, index, now);
        }
    }
    lane.clear();
}

}  // namespace towpath::ipv6
