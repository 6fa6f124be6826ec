// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/allowed_ips.h"

namespace towpath::wireguard {

std::optional<PeerId> AllowedIps::insert(const IpPrefix& prefix, PeerId peer) noexcept {
    if (size() >= prefixes_max_ && owner_of(prefix) == kNoPeer) {
        return std::nullopt;
    }
    return prefix.family() == IpFamily::ipv4 ? ipv4_.insert(ipv4_of(prefix), peer)
                                             : ipv6_.insert(ipv6_of(prefix), peer);
}

bool AllowedIps::remove(const IpPrefix& prefix, PeerId peer) noexcept {
    return prefix.family() == IpFamily::ipv4 ? ipv4_.remove(ipv4_of(prefix), peer)
                                             : ipv6_.remove(ipv6_of(prefix), peer);
}

void AllowedIps::remove_all(PeerId peer) noexcept {
    ipv4_.remove_all(peer);
    ipv6_.remove_all(peer);
}

PeerId AllowedIps::owner_of(const IpPrefix& prefix) const noexcept {
    return prefix.family() == IpFamily::ipv4 ? ipv4_.owner_of(ipv4_of(prefix))
                                             : ipv6_.owner_of(ipv6_of(prefix));
}

}  // namespace towpath::wireguard
