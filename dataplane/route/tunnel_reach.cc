// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route/tunnel_reach.h"

#include <algorithm>

namespace towpath::route {

TunnelReach::TunnelReach(std::span<const TunnelLimit> limits) {
    for (const TunnelLimit& from : limits) {
        Limit& limit = limits_[static_cast<std::size_t>(from.tunnel)];
        limit.exists = true;
        limit.is_exit_node = from.is_exit_node;
        std::vector<Ipv4Prefix> ipv4;
        std::vector<Ipv6Prefix> ipv6;
        for (const IpPrefix& prefix : from.prefixes) {
            if (prefix.family() == IpFamily::ipv4) {
                ipv4.emplace_back(prefix.address().ipv4(), prefix.length());
            } else {
                ipv6.emplace_back(prefix.address().ipv6(), prefix.length());
            }
        }
        limit.ipv4 = PrefixSet{ipv4};
        // A prefix comes before those that it contains, and two never overlap in part.
        std::sort(ipv6.begin(), ipv6.end());
        for (const Ipv6Prefix& prefix : ipv6) {
            if (limit.ipv6.empty() || limit.ipv6.back().last < prefix.first()) {
                limit.ipv6.push_back({prefix.first(), prefix.last()});
            }
        }
    }
}

bool TunnelReach::permits(InterfaceId tunnel, Ipv4Address destination,
                          bool is_internet) const noexcept {
    const Limit& limit = limits_[static_cast<std::size_t>(tunnel)];
    return !limit.exists || (is_internet && limit.is_exit_node) || limit.ipv4.contains(destination);
}

bool TunnelReach::permits(InterfaceId tunnel, const Ipv6Address& destination,
                          bool is_internet) const noexcept {
    const Limit& limit = limits_[static_cast<std::size_t>(tunnel)];
    if (!limit.exists || (is_internet && limit.is_exit_node)) {
        return true;
    }
    const Ipv6Words words = words_of(destination);
    const auto after = std::upper_bound(
        limit.ipv6.begin(), limit.ipv6.end(), words,
        [](const Ipv6Words& wanted, const Range& range) { return wanted < range.first; });
    return after != limit.ipv6.begin() && words <= std::prev(after)->last;
}

}  // namespace towpath::route
