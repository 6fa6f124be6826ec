// SPDX-License-Identifier: BSD-3-Clause
// The immutable tables that the stages of this folder read. The worker sets all when it takes up a
// new generation, and none of them within a burst.
#pragma once

#include "dataplane/ipv6/route_table.h"
#include "dataplane/packet/interface.h"
#include "dataplane/route/local_policy.h"

namespace towpath::ipv6 {

struct View {
    const InterfaceTable* interfaces = nullptr;
    const RouteTable* routes = nullptr;
    const RouteTable* underlay = nullptr;  // without routes into tunnels (decisions.md W6)
    const route::LocalPolicy* local = nullptr;
};

// The address of ours that a station at `peer` on the interface's own link knows: the one of its
// network, else the link-local one.
[[nodiscard]] inline Ipv6Address own_address_beside(const Interface& interface,
                                                    const Ipv6Address& peer) noexcept {
    for (const Ipv6InterfaceAddress& own : interface.ipv6_addresses()) {
        if (own.prefix.contains(peer)) {
            return own.address;
        }
    }
    return interface.link_local;
}

}  // namespace towpath::ipv6
