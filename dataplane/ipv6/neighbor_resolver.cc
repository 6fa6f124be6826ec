// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipv6/neighbor_resolver.h"

#include "dataplane/ipv6/neighbor_message.h"
#include "dataplane/route/neighbor_resolution_impl.h"

template class towpath::route::NeighborResolution<towpath::ipv6::DiscoveryFamily>;

namespace towpath::ipv6 {
namespace {

bool send(Batch& batch, InterfaceId egress, const NeighborFrame& frame) noexcept {
    return route::originate_frame(
        batch, egress, [&](Packet& packet) { return write_neighbor_frame(packet, frame); });
}

}  // namespace

void DiscoveryFamily::note_unreachable(Packet& packet) noexcept {
    packet.note_rejection(DropReason::neighbor_unreachable,
                          static_cast<std::uint8_t>(Icmpv6Type::destination_unreachable),
                          kIcmpv6AddressUnreachable, 0);
}

bool DiscoveryFamily::request(const View& view, Batch& batch, const Key& key,
                              const MacAddress* known) noexcept {
    const Interface& interface = (*view.interfaces)[key.interface];
    if (!interface.is_up) {
        return true;  // counts as asked: the answer cannot come
    }
    const Ipv6Address to = known == nullptr ? solicited_node_group(key.address) : key.address;
    return send(batch, key.interface,
                {Icmpv6Type::neighbor_solicitation, 0, own_address_beside(interface, key.address),
                 to, key.address, interface.mac, known == nullptr ? group_mac(to) : *known});
}

bool DiscoveryFamily::announce_one(const View& view, Batch& batch, std::size_t position,
                                   bool& is_end) noexcept {
    for (const Interface& interface : view.interfaces->all()) {
        const bool is_spoken = interface.has_ipv6 && !is_unspecified(interface.link_local);
        const std::size_t addresses = is_spoken ? interface.ipv6_address_count + std::size_t{1} : 0;
        if (position >= addresses) {
            position -= addresses;
            continue;
        }
        const Ipv6Address& own = position == interface.ipv6_address_count
                                     ? interface.link_local
                                     : interface.ipv6_storage[position].address;
        return !interface.is_up || interface.is_tunnel ||
               send(batch, interface.id,
                    {Icmpv6Type::neighbor_advertisement, kNeighborRouter | kNeighborOverride, own,
                     kAllNodes, own, interface.mac, group_mac(kAllNodes)});
    }
    is_end = true;
    return true;
}

}  // namespace towpath::ipv6
