// SPDX-License-Identifier: BSD-3-Clause
// Everything that the operator can change while packets flow, as one immutable value. Built off to
// the side, published by a pointer; a worker takes it up at the top of its loop, and the old one is
// freed when every worker has passed a quiescent point since.
#pragma once

#include <cstdint>

#include "dataplane/ipv6/route_table.h"
#include "dataplane/nat/policy.h"
#include "dataplane/packet/interface.h"
#include "dataplane/route/local_policy.h"
#include "dataplane/route/route_table.h"
#include "dataplane/wireguard/tunnel.h"

namespace towpath::pipeline {

struct Generation {
    std::uint64_t number = 0;  // rises with every publication
    InterfaceTable interfaces;
    nat::Policy nat;
    route::RouteTable routes;
    ipv6::RouteTable ipv6_routes;
    ipv6::RouteTable ipv6_underlay;  // without routes into tunnels (decisions.md W6)
    route::RouteTable underlay;      // `routes` without those into tunnels
    wireguard::TunnelTable tunnels;
    route::LocalPolicy local;
};

}  // namespace towpath::pipeline
