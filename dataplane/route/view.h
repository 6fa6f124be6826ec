// SPDX-License-Identifier: BSD-3-Clause
// The immutable tables that the stages of this folder read. The worker sets all of them when it
// takes up a new generation, and none of them within a burst.
#pragma once

#include "dataplane/packet/interface.h"
#include "dataplane/route/local_policy.h"
#include "dataplane/route/route_table.h"

namespace towpath::route {

struct View {
    const InterfaceTable* interfaces = nullptr;
    const RouteTable* routes = nullptr;
    const RouteTable* underlay = nullptr;  // `routes` without those into tunnels (W6)
    const LocalPolicy* local = nullptr;
};

}  // namespace towpath::route
