// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route/link_stage.h"

#include <algorithm>

#include "dataplane/route/ipv4_fragmentation.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/ipv4.h"

namespace towpath::route {
namespace {

NeighborKey key_of(const Packet& packet) noexcept {
    return {packet.egress, packet.next_hop};
}

// Part by part: a key that is put together only to be compared goes through memory.
bool leads_to(const NeighborKey& key, const Packet& packet) noexcept {
    return key.interface == packet.egress && key.address == packet.next_hop;
}

// nat-behaviour.md 10.2: the word that holds the TTL falls by 0x0100, whatever it was, so the
// difference is a constant.
void decrement_ttl(Ipv4Header& ip) noexcept {
    constexpr ChecksumDelta kOneLess{
        ChecksumDelta{}.replace(be16{std::uint16_t{0x0100}}, be16{std::uint16_t{0}}).folded()};
    --ip.ttl;
    ip.checksum = update_checksum(ip.checksum, kOneLess);
}

// The frame begins directly in front of the IPv4 header, wherever that came to stand.
void write_ethernet(Packet& packet, const EthernetHeader& ethernet) noexcept {
    if (packet.l3 != sizeof(EthernetHeader)) {
        const int shift = packet.l3 - static_cast<int>(sizeof(EthernetHeader));
        packet.head = static_cast<std::uint16_t>(packet.head + shift);
        packet.length = static_cast<std::uint16_t>(packet.length - shift);
        packet.l4 = static_cast<std::uint8_t>(packet.l4 - shift);
        packet.l3 = sizeof(EthernetHeader);
    }
    packet.header<EthernetHeader>(0) = ethernet;
}

// Makes the next hop of the packet the last neighbour. False: nobody knows its MAC.
[[gnu::noinline]] bool find_neighbor(LinkState& state, const Packet& packet,
                                     const Interface& egress) noexcept {
    LastNeighbor& last = state.last;
    const NeighborKey key = key_of(packet);
    const std::optional<MacAddress> mac = state.neighbors->find(key);
    last.key = key;
    last.is_resolved = mac.has_value();
    if (last.is_resolved) {
        last.ethernet = {*mac, egress.mac, be16{kEtherTypeIpv4}};
    }
    return last.is_resolved;
}

[[gnu::noinline]] void wait_for_neighbor(LinkState& state, Batch& batch, PacketIndex index,
                                         Now now) noexcept {
    if (state.resolver == nullptr) {
        batch.hand_off(index, 0, Lane::link);
    } else {
        state.resolver->resolve(batch, index, now);
    }
}

// To the last neighbour.
[[gnu::always_inline]] inline void send(const EthernetHeader& ethernet, const Interface& egress,
                                        Batch& batch, PacketIndex index) noexcept {
    Packet& packet = batch[index];
    if (!packet.is_originated) {
        decrement_ttl(packet.header<Ipv4Header>(packet.l3));
    }
    write_ethernet(packet, ethernet);
    if (packet.length > std::size_t{egress.mtu_bytes} + sizeof(EthernetHeader)) {
        put_in_fragments(batch, index, egress.mtu_bytes, Lane::transmit);
    } else {
        batch.put(index, Lane::transmit);
    }
}

// Sealed instead of framed. What the host sends has not been forwarded by anybody. What is too long
// is cut before it is sealed (decisions.md W8): the route stage has refused it if it may not be.
[[gnu::noinline]] void enter_tunnel(Batch& batch, PacketIndex index,
                                    std::uint16_t mtu_bytes) noexcept {
    Packet& packet = batch[index];
    auto& ip = packet.header<Ipv4Header>(packet.l3);
    const bool is_ipv4 = ip.version() == 4;
    if (!packet.is_originated && !packet.from_host && is_ipv4) {
        decrement_ttl(ip);
    }
    // One peer may be narrower than the others of its tunnel.
    const std::uint16_t room_bytes =
        packet.icmp_mtu_bytes != 0 ? std::min(packet.icmp_mtu_bytes, mtu_bytes) : mtu_bytes;
    if (is_ipv4 && packet.length - packet.l3 > int{room_bytes} && !ip.dont_fragment()) {
        put_in_fragments(batch, index, room_bytes, Lane::seal);
    } else {
        batch.put(index, Lane::seal);
    }
}

}  // namespace

void link_stage(LinkState& state, Batch& batch, Now now) noexcept {
    PacketList& lane = batch.lane(Lane::link);
    NeighborKey fetched;
    for (const PacketIndex index : lane) {
        if (!leads_to(fetched, batch[index])) {
            fetched = key_of(batch[index]);
            state.neighbors->prefetch(fetched);
        }
    }
    const InterfaceTable& interfaces = *state.view.interfaces;
    state.last.is_resolved = false;
    for (const PacketIndex index : lane) {
        const Packet& packet = batch[index];
        const Interface& egress = interfaces[packet.egress];
        if (!egress.is_up) {
            batch.drop(index, DropReason::port_down);
        } else if (egress.is_tunnel) {
            enter_tunnel(batch, index, egress.mtu_bytes);
        } else if ((state.last.is_resolved && leads_to(state.last.key, packet)) ||
                   find_neighbor(state, packet, egress)) {
            send(state.last.ethernet, egress, batch, index);
        } else {
            wait_for_neighbor(state, batch, index, now);
        }
    }
    lane.clear();
}

}  // namespace towpath::route
