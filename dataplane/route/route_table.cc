// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route/route_table.h"

#include <algorithm>
#include <string>
#include <tuple>

namespace towpath::route {
namespace {

constexpr std::size_t kRootNodes = 1U << 16U;
constexpr std::size_t kChildNodes = 1U << 8U;

bool comes_before(const Route& left, const Route& right) noexcept {
    return std::tuple{left.kind, left.interface, left.next_hop} <
           std::tuple{right.kind, right.interface, right.next_hop};
}

// Routes are few kinds of next hop for many prefixes; sorted, so that building stays n log n.
std::vector<Route> distinct_routes(std::span<const RouteEntry> entries) {
    std::vector<Route> routes;
    routes.reserve(entries.size() + 1);
    for (const RouteEntry& entry : entries) {
        routes.push_back(entry.route);
    }
    std::sort(routes.begin(), routes.end(), comes_before);
    routes.erase(std::unique(routes.begin(), routes.end()), routes.end());
    // Index 0 is what nodes without a route say.
    routes.insert(routes.begin(), Route{});
    return routes;
}

}  // namespace

RouteTable::RouteTable() : nodes_(kRootNodes, 0), routes_(1) {}

Outcome<RouteTable> RouteTable::build(std::span<const RouteEntry> entries) {
    if (entries.size() > kRoutesMax) {
        return fail(ExitCode::usage, "There are " + std::to_string(entries.size()) +
                                         " routes, and the route table holds at most " +
                                         std::to_string(kRoutesMax) + ".");
    }
    RouteTable table;
    table.routes_ = distinct_routes(entries);
    std::vector<const RouteEntry*> by_length;
    by_length.reserve(entries.size());
    for (const RouteEntry& entry : entries) {
        by_length.push_back(&entry);
    }
    // Shorter prefixes first, so that longer ones overwrite them; stable, so that the later of two
    // equal ones wins.
    std::stable_sort(by_length.begin(), by_length.end(),
                     [](const RouteEntry* left, const RouteEntry* right) {
                         return left->prefix.length() < right->prefix.length();
                     });
    for (const RouteEntry* entry : by_length) {
        const auto found = std::lower_bound(table.routes_.begin() + 1, table.routes_.end(),
                                            entry->route, comes_before);
        table.insert(entry->prefix, static_cast<std::uint32_t>(found - table.routes_.begin()));
    }
    return table;
}

std::uint32_t RouteTable::child_of(std::size_t node) {
    const std::uint32_t value = nodes_[node];
    if ((value & kChild) != 0) {
        return value & ~kChild;
    }
    const auto base = static_cast<std::uint32_t>(nodes_.size());
    nodes_.resize(nodes_.size() + kChildNodes, value);
    nodes_[node] = base | kChild;
    return base;
}

void RouteTable::insert(Ipv4Prefix prefix, std::uint32_t route) {
    const std::uint32_t bits = prefix.address().bits();
    std::size_t node = bits >> 16U;
    unsigned covered = 16;  // bits that the stride ending at `node` resolves
    while (prefix.length() > covered) {
        const std::uint32_t base = child_of(node);
        covered += 8;
        node = base + (bits >> (32U - covered) & 0xFFU);
    }
    // In order of length, no longer prefix is below these nodes yet, so none is a child.
    const std::size_t span = std::size_t{1} << (covered - prefix.length());
    std::fill_n(nodes_.begin() + static_cast<std::ptrdiff_t>(node), span, route);
}

}  // namespace towpath::route
