// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/endpoint_way.h"

namespace towpath::engine {
namespace {

using contract::EndpointWay;
using route::NeighborState;
using route::RouteKind;

NeighborState state_of(const Neighbors& neighbors, InterfaceId interface,
                       const Ipv4Address& next_hop) noexcept {
    return neighbors.ipv4.state_of({interface, next_hop});
}

NeighborState state_of(const Neighbors& neighbors, InterfaceId interface,
                       const Ipv6Address& next_hop) noexcept {
    return neighbors.ipv6.entry_of({interface, next_hop}).state;
}

template <class Table, class Address>
EndpointWay way_by(const Table& underlay, const Table& routes, const Address& destination,
                   const InterfaceTable& interfaces, const Neighbors& neighbors) noexcept {
    const auto& route = underlay.find(destination);
    if (route.kind != RouteKind::connected && route.kind != RouteKind::via) {
        const auto& through = routes.find(destination);
        const bool is_in_tunnel =
            through.interface != kNoInterface && interfaces[through.interface].is_tunnel;
        return is_in_tunnel ? EndpointWay::in_tunnel : EndpointWay::no_route;
    }
    if (!interfaces[route.interface].is_up) {
        return EndpointWay::interface_down;
    }
    const Address& next_hop = route.kind == RouteKind::via ? route.next_hop : destination;
    const bool has_neighbor = state_of(neighbors, route.interface, next_hop) != NeighborState::none;
    return has_neighbor ? EndpointWay::open : EndpointWay::neighbor_missing;
}

}  // namespace

EndpointWay way_to(const IpAddress& endpoint, const pipeline::Generation* generation,
                   const Neighbors& neighbors) noexcept {
    if (generation == nullptr || endpoint.is_none()) {
        return EndpointWay::unknown;
    }
    return endpoint.is_ipv4() ? way_by(generation->underlay, generation->routes, endpoint.ipv4(),
                                       generation->interfaces, neighbors)
                              : way_by(generation->ipv6_underlay, generation->ipv6_routes,
                                       endpoint.ipv6(), generation->interfaces, neighbors);
}

}  // namespace towpath::engine
