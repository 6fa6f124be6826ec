// SPDX-License-Identifier: BSD-3-Clause
// What may be reached from tunnels (decisions.md W13): everything that is routed, or, where the
// operator lists what a tunnel advertises, that only. Immutable, part of a generation. It says
// nothing of the box itself, which is LocalPolicy's matter.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "dataplane/packet/interface.h"
#include "dataplane/packet/prefix_set.h"
#include "dataplane/wire/ip_address.h"
#include "dataplane/wire/ipv6_address.h"

namespace towpath::route {

// One tunnel that reaches no more than this.
struct TunnelLimit {
    InterfaceId tunnel = kNoInterface;
    std::vector<IpPrefix> prefixes;  // may overlap
    bool is_exit_node = false;       // and what leaves by an outside interface
};

class TunnelReach {
public:
    TunnelReach() = default;  // no tunnel is limited
    explicit TunnelReach(std::span<const TunnelLimit> limits);

    // `is_internet`: the destination is no network of ours, so being an exit node is enough.
    [[nodiscard]] bool permits(InterfaceId tunnel, Ipv4Address destination,
                               bool is_internet) const noexcept;
    [[nodiscard]] bool permits(InterfaceId tunnel, const Ipv6Address& destination,
                               bool is_internet) const noexcept;

private:
    struct Range {
        Ipv6Words first;
        Ipv6Words last;  // inclusive
    };
    struct Limit {
        bool exists = false;
        bool is_exit_node = false;
        PrefixSet ipv4;
        std::vector<Range> ipv6;  // sorted, disjoint
    };
    std::array<Limit, kInterfacesMax> limits_;
};

}  // namespace towpath::route
