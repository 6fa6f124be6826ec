// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipv6/route_table.h"

#include <algorithm>
#include <string>

namespace towpath::ipv6 {
namespace {

// The address behind the last one of a range; :: behind the last of all.
Ipv6Words after(const Ipv6Words& last) noexcept {
    return {last.high + (last.low == ~0ULL ? 1 : 0), last.low + 1};
}

// Outer prefixes before those inside them; stable, so that the later of two equal ones is last.
std::vector<RouteEntry> in_order(std::span<const RouteEntry> entries) {
    std::vector<RouteEntry> sorted{entries.begin(), entries.end()};
    std::stable_sort(
        sorted.begin(), sorted.end(),
        [](const RouteEntry& left, const RouteEntry& right) { return left.prefix < right.prefix; });
    return sorted;
}

}  // namespace

void RouteTable::begin_range(const Ipv6Words& first, std::uint32_t route) {
    if (ranges_.back().first == first) {
        ranges_.back().route = route;  // of what begins here the last said is the longest
    } else {
        ranges_.push_back({first, route});
    }
}

Outcome<RouteTable> RouteTable::build(std::span<const RouteEntry> entries) {
    if (entries.size() > kRoutesMax) {
        return fail(ExitCode::usage, "There are " + std::to_string(entries.size()) +
                                         " IPv6 routes, and the route table holds at most " +
                                         std::to_string(kRoutesMax) + ".");
    }
    struct Open {
        Ipv6Words last;
        std::uint32_t route = 0;
    };
    RouteTable table;
    std::vector<Open> open{{{~0ULL, ~0ULL}, 0}};  // the prefixes around the current one
    const auto close = [&] {
        const Ipv6Words next = after(open.back().last);
        open.pop_back();
        if (next != Ipv6Words{}) {  // else nothing is behind
            table.begin_range(next, open.back().route);
        }
    };
    for (const RouteEntry& entry : in_order(entries)) {
        while (open.back().last < entry.prefix.first()) {
            close();
        }
        const auto route = static_cast<std::uint32_t>(table.routes_.size());
        table.routes_.push_back(entry.route);
        table.begin_range(entry.prefix.first(), route);
        open.push_back({entry.prefix.last(), route});
    }
    while (open.size() > 1) {
        close();
    }
    return table;
}

}  // namespace towpath::ipv6
