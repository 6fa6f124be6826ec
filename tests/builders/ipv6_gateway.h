// SPDX-License-Identifier: BSD-3-Clause
// The gateway of gateway.h with IPv6 and a third interface: inside 2001:db8:1::1/64 (0), outside
// 2001:db8:2::1/64 (1), a neutral branch 2001:db8:3::1/64 with an MTU of 1280 (2), behind whose
// router 2001:db8:3::fe lies 2001:db8:30::/48.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "tests/builders/gateway.h"
#include "tests/builders/ipv6_packets.h"

namespace towpath::builders {

inline constexpr InterfaceId kBranch{2};
inline constexpr MacAddress kBranchMac{{0x02, 0, 0, 0, 0, 0x03}};

inline void give_ipv6(Interface& interface, std::string_view own, std::string_view network) {
    interface.has_ipv6 = true;
    interface.ipv6_address_count = 1;
    interface.ipv6_storage[0] = {address6(own), prefix6(network)};
    interface.link_local = link_local_of(interface.mac);
}

inline std::shared_ptr<pipeline::Generation> make_ipv6_generation(
    const GatewayOptions& options = {}) {
    using route::RouteKind;
    std::shared_ptr<pipeline::Generation> generation = make_generation(options);
    InterfaceTable& interfaces = generation->interfaces;
    interfaces.count = 3;
    interfaces.storage[2] =
        make_interface(kBranch, InterfaceRole::neutral, kBranchMac, "10.77.3.1", "10.77.3.0/24");
    interfaces.storage[2].mtu_bytes = 1280;
    give_ipv6(interfaces.storage[0], "2001:db8:1::1", "2001:db8:1::/64");
    give_ipv6(interfaces.storage[1], "2001:db8:2::1", "2001:db8:2::/64");
    give_ipv6(interfaces.storage[2], "2001:db8:3::1", "2001:db8:3::/64");
    std::vector<ipv6::RouteEntry> routes;
    for (const Interface& interface : interfaces.all()) {
        const Ipv6InterfaceAddress& own = interface.ipv6_storage[0];
        routes.push_back({own.prefix, {RouteKind::connected, interface.id, {}}});
        routes.push_back({Ipv6Prefix{own.address, 128}, {RouteKind::local, interface.id, {}}});
    }
    routes.push_back(
        {prefix6("2001:db8:30::/48"), {RouteKind::via, kBranch, address6("2001:db8:3::fe")}});
    routes.push_back(
        {prefix6("2001:db8:99::/48"), {RouteKind::via, kOutside, address6("2001:db8:2::fe")}});
    generation->ipv6_routes = *ipv6::RouteTable::build(routes);
    generation->ipv6_underlay = generation->ipv6_routes;
    return generation;
}

}  // namespace towpath::builders
