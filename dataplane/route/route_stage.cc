// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route/route_stage.h"

#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"

namespace towpath::route {
namespace {

constexpr auto kUnreachable = static_cast<std::uint8_t>(IcmpType::destination_unreachable);

// To senders that are not outside; outside learns nothing of what is routed here.
[[gnu::noinline]] void refuse(Batch& batch, PacketIndex index, const Interface& ingress,
                              DropReason reason, std::uint8_t code) noexcept {
    if (ingress.role == InterfaceRole::outside) {
        batch.drop(index, reason);
    } else {
        batch.reject(index, reason, kUnreachable, code);
    }
}

[[gnu::always_inline]] inline void forward(Batch& batch, PacketIndex index,
                                           const Interface& ingress,
                                           const Interface& egress) noexcept {
    Packet& packet = batch[index];
    // N18: from outside only mappings lead in, and nothing leads through.
    if (ingress.role == InterfaceRole::outside && !packet.was_rewritten_inbound &&
        egress.role != InterfaceRole::neutral) {
        batch.drop(index, DropReason::inbound_no_mapping);
        return;
    }
    if (packet.transport == TransportKind::unknown && ingress.role == InterfaceRole::inside &&
        egress.role == InterfaceRole::outside) {
        batch.reject(index, DropReason::protocol_unsupported, kUnreachable,
                     kIcmpProtocolUnreachable);
        return;
    }
    const std::size_t total_bytes = packet.length - std::size_t{packet.l3};
    if (total_bytes > egress.mtu_bytes && packet.header<Ipv4Header>(packet.l3).dont_fragment()) {
        batch.reject(index, DropReason::route_too_big, kUnreachable, kIcmpFragmentationNeeded,
                     egress.mtu_bytes);
        return;
    }
    // All that nat-outbound would have for it is a new MSS.
    const bool is_translated = ingress.role == InterfaceRole::outside &&
                               packet.was_rewritten_inbound &&
                               packet.transport != TransportKind::tcp;
    batch.put(index, is_translated ? Lane::link : Lane::nat_outbound);
}

// W13. What is made here, as a reset, answers a peer of the tunnel that it seems to come from.
[[gnu::noinline]] bool is_out_of_reach(const View& view, const Packet& packet,
                                       Ipv4Address destination, const Route& route) noexcept {
    if (packet.is_originated || route.kind == RouteKind::local) {
        return false;
    }
    // A hairpin was sent to an outside address. Where no route leads, an exit node says so.
    const bool is_internet = packet.was_rewritten_inbound || route.kind == RouteKind::unreachable ||
                             (*view.interfaces)[route.interface].role == InterfaceRole::outside;
    return !view.local->reach().permits(packet.ingress, destination, is_internet);
}

[[gnu::always_inline]] inline void route_packet(const View& view, Batch& batch,
                                                PacketIndex index) noexcept {
    Packet& packet = batch[index];
    const Ipv4Address destination{packet.header<Ipv4Header>(packet.l3).destination};
    const Interface& ingress = (*view.interfaces)[packet.ingress];
    const Route& route = view.routes->find(destination);
    packet.egress = route.interface;
    if (ingress.is_tunnel && is_out_of_reach(view, packet, destination, route)) {
        batch.drop(index, DropReason::admit_not_advertised);
        return;
    }
    switch (route.kind) {
        case RouteKind::via:
            packet.next_hop = route.next_hop;
            break;
        case RouteKind::connected:
            packet.next_hop = destination;
            break;
        case RouteKind::local:  // a mapping or a rule led to one of our own addresses
            if (ingress.has_host) {
                batch.put(index, Lane::punt);
            } else {
                batch.drop(index, DropReason::local_no_host);
            }
            return;
        case RouteKind::unreachable:
            refuse(batch, index, ingress, DropReason::route_none, kIcmpNetworkUnreachable);
            return;
    }
    forward(batch, index, ingress, (*view.interfaces)[packet.egress]);
}

}  // namespace

void route_stage(RouteState& state, Batch& batch, Now) noexcept {
    PacketList& lane = batch.lane(Lane::route);
    for (const PacketIndex index : lane) {
        const Packet& packet = batch[index];
        state.view.routes->prefetch(Ipv4Address{packet.header<Ipv4Header>(packet.l3).destination});
    }
    for (const PacketIndex index : lane) {
        route_packet(state.view, batch, index);
    }
    lane.clear();
}

}  // namespace towpath::route
