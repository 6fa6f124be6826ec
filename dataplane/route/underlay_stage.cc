// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route/underlay_stage.h"

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/udp.h"

namespace towpath::route {
namespace {

// What the last packet found: a burst has few peers, and most often one.
struct LastWay {
    be32 destination;
    be32 wanted_source;
    be32 source;
    Route route;
    DropReason refusal = DropReason::none;
    bool is_known = false;
};

// The address of ours that a stranger on the way to `next_hop` knows us by.
Ipv4Address source_towards(const Interface& egress, Ipv4Address next_hop) noexcept {
    for (const InterfaceAddress& own : egress.addresses()) {
        if (own.prefix.contains(next_hop)) {
            return own.address;
        }
    }
    return egress.address_count != 0 ? egress.address_storage[0].address : Ipv4Address{};
}

[[gnu::noinline]] void find_way(const View& view, const Ipv4Header& ip, LastWay& way) noexcept {
    const Ipv4Address destination{ip.destination};
    way.destination = ip.destination;
    way.wanted_source = ip.source;
    way.is_known = true;
    way.refusal = DropReason::none;
    way.route = view.underlay->find(destination);
    if (way.route.kind == RouteKind::connected) {
        way.route.next_hop = destination;
    } else if (way.route.kind != RouteKind::via) {
        // Elsewhere a route does lead there, but through a tunnel.
        const Route& through = view.routes->find(destination);
        const bool is_in_tunnel =
            through.interface != kNoInterface && (*view.interfaces)[through.interface].is_tunnel;
        way.refusal =
            is_in_tunnel ? DropReason::seal_endpoint_in_tunnel : DropReason::seal_no_route;
        return;
    }
    // Remembered, and still ours; or what the way suggests.
    const Interface& egress = (*view.interfaces)[way.route.interface];
    const Ipv4Address wanted{ip.source};
    const bool is_ours = !wanted.is_unspecified() && view.interfaces->owner_of(wanted) != nullptr;
    way.source = is_ours ? ip.source : source_towards(egress, way.route.next_hop).wire();
    if (Ipv4Address{way.source}.is_unspecified()) {
        way.refusal = DropReason::seal_no_route;
    }
}

void set_source(Packet& packet, Ipv4Header& ip, be32 source) noexcept {
    ChecksumDelta delta;
    delta.replace(ip.source, source);
    ip.source = source;
    ip.checksum = update_checksum(ip.checksum, delta);
    auto& udp = packet.header<UdpHeader>(packet.l4);
    udp.checksum = update_udp_checksum(udp.checksum, delta);  // stays zero if there is none
}

}  // namespace

void underlay_stage(UnderlayState& state, Batch& batch, Now) noexcept {
    PacketList& lane = batch.lane(Lane::underlay);
    LastWay way;
    for (const PacketIndex index : lane) {
        Packet& packet = batch[index];
        auto& ip = packet.header<Ipv4Header>(packet.l3);
        if (ip.version() == 6) {
            packet.is_originated = true;
            batch.put(index, Lane::forward6);
            continue;
        }
        if (!way.is_known || ip.destination != way.destination || ip.source != way.wanted_source) {
            find_way(state.view, ip, way);
        }
        if (way.refusal != DropReason::none) {
            batch.drop(index, way.refusal);
            continue;
        }
        if (ip.source != way.source) {
            set_source(packet, ip, way.source);
        }
        packet.egress = way.route.interface;
        packet.next_hop = way.route.next_hop;
        packet.is_originated = true;  // its TTL is as we wrote it
        batch.put(index, Lane::link);
    }
    lane.clear();
}

}  // namespace towpath::route
