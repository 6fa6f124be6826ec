// SPDX-License-Identifier: BSD-3-Clause
// Longest-prefix match for IPv6: immutable, built off to the side, published in a generation.
// The prefixes are laid out as disjoint ranges in order, so that a look-up is one binary search:
// about log2(2 n) steps for n prefixes, and at most 72 bytes for each, whatever their lengths (a
// trie of strides would need 13 KiB for an unlucky /128).
// Not a routing protocol, and no preference between routes: of two equal prefixes the later wins.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/packet/interface.h"
#include "dataplane/route/route_table.h"
#include "dataplane/wire/ipv6_address.h"
#include "dataplane/wire/result.h"

namespace towpath::ipv6 {

inline constexpr std::size_t kRoutesMax = 128 * 1024;

struct Route {
    route::RouteKind kind = route::RouteKind::unreachable;
    InterfaceId interface = kNoInterface;
    Ipv6Address next_hop;  // with RouteKind::via
    friend bool operator==(const Route&, const Route&) noexcept = default;
};

struct RouteEntry {
    Ipv6Prefix prefix;
    Route route;
};

class RouteTable {
public:
    // Without routes everything is unreachable.
    RouteTable() : ranges_(1), routes_(1) {}
    // More than kRoutesMax entries are refused.
    [[nodiscard]] static Outcome<RouteTable> build(std::span<const RouteEntry> entries);

    [[nodiscard]] const Route& find(const Ipv6Address& destination) const noexcept {
        const Ipv6Words wanted = words_of(destination);
        const Range* base = ranges_.data();  // the first begins at ::
        for (std::size_t left = ranges_.size(); left > 1;) {
            const std::size_t half = left / 2;
            base = base[half].first <= wanted ? base + half : base;
            left -= half;
        }
        return routes_[base->route];
    }

private:
    // Up to where the next one begins.
    struct Range {
        Ipv6Words first;
        std::uint32_t route = 0;  // index into routes_; 0: none
    };
    void begin_range(const Ipv6Words& first, std::uint32_t route);

    std::vector<Range> ranges_;
    std::vector<Route> routes_;
};

}  // namespace towpath::ipv6
