// SPDX-License-Identifier: BSD-3-Clause
// Longest-prefix match for IPv4: immutable, built off to the side, published in a generation.
// A trie of strides 16, 8, 8: one to three loads. 256 KiB, plus 1 KiB for every /16 that holds a
// prefix longer than 16 bits and every /24 that holds one longer than 24.
// Not a routing protocol, and no preference between routes: of two equal prefixes the later wins.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/packet/interface.h"
#include "dataplane/wire/address.h"
#include "dataplane/wire/result.h"

namespace towpath::route {

inline constexpr std::size_t kRoutesMax = 128 * 1024;

enum class RouteKind : std::uint8_t {
    unreachable,  // no route, or a route that says so
    connected,    // the destination is its own next hop
    via,          // `next_hop`, a neighbour on `interface`
    local,        // one of our own addresses
};

struct Route {
    RouteKind kind = RouteKind::unreachable;
    InterfaceId interface = kNoInterface;
    Ipv4Address next_hop;
    friend bool operator==(const Route&, const Route&) noexcept = default;
};

struct RouteEntry {
    Ipv4Prefix prefix;
    Route route;
};

class RouteTable {
public:
    // Without routes everything is unreachable.
    RouteTable();
    // More than kRoutesMax entries are refused.
    [[nodiscard]] static Outcome<RouteTable> build(std::span<const RouteEntry> entries);

    void prefetch(Ipv4Address destination) const noexcept {
        __builtin_prefetch(&nodes_[destination.bits() >> 16U]);
    }
    [[nodiscard]] const Route& find(Ipv4Address destination) const noexcept {
        const std::uint32_t bits = destination.bits();
        std::uint32_t node = nodes_[bits >> 16U];
        if ((node & kChild) != 0) {
            node = nodes_[(node & ~kChild) + (bits >> 8U & 0xFFU)];
            if ((node & kChild) != 0) {
                node = nodes_[(node & ~kChild) + (bits & 0xFFU)];
            }
        }
        return routes_[node];
    }
    [[nodiscard]] std::size_t memory_bytes() const noexcept {
        return nodes_.size() * sizeof(std::uint32_t) + routes_.size() * sizeof(Route);
    }

private:
    // A node is an index into routes_, or, with kChild, where 256 nodes of the next stride begin.
    static constexpr std::uint32_t kChild = 0x80000000U;
    void insert(Ipv4Prefix prefix, std::uint32_t route);
    [[nodiscard]] std::uint32_t child_of(std::size_t node);

    std::vector<std::uint32_t> nodes_;
    std::vector<Route> routes_;
};

}  // namespace towpath::route
