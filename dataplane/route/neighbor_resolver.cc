// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route/neighbor_resolver.h"

#include "dataplane/route/arp_frame.h"
#include "dataplane/route/neighbor_resolution_impl.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"

namespace towpath::route {
namespace {

constexpr MacAddress kBroadcast{{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}};

// Who asks: the address of ours on the neighbour's network, or else any of the interface.
Ipv4Address asking_address(const Interface& interface, Ipv4Address target) noexcept {
    for (const InterfaceAddress& own : interface.addresses()) {
        if (own.prefix.contains(target)) {
            return own.address;
        }
    }
    return interface.address_count == 0 ? Ipv4Address{} : interface.address_storage[0].address;
}

bool send(Batch& batch, InterfaceId egress, const ArpMessage& message) noexcept {
    return originate_frame(batch, egress,
                           [&](Packet& packet) { return write_arp(packet, message); });
}

bool announce_on(Batch& batch, const Interface& interface, Ipv4Address address) noexcept {
    // Nobody is on a link with a tunnel.
    return !interface.is_up || interface.is_tunnel ||
           send(batch, interface.id,
                {kArpRequest, interface.mac, address, MacAddress{}, address, kBroadcast});
}

}  // namespace

template class NeighborResolution<ArpFamily>;

// A packet that NAT has rewritten has the source that it had before (decisions.md N17).
bool ArpFamily::is_told(const View& view, const Packet& packet) noexcept {
    if (packet.is_originated || (*view.interfaces)[packet.ingress].role != InterfaceRole::inside) {
        return false;
    }
    const Ipv4Address source = packet.was_rewritten_inbound
                                   ? packet.original_source_address
                                   : Ipv4Address{packet.header<Ipv4Header>(packet.l3).source};
    return !view.local->use_of(source).is_ours();
}

void ArpFamily::note_unreachable(Packet& packet) noexcept {
    packet.note_rejection(DropReason::neighbor_unreachable,
                          static_cast<std::uint8_t>(IcmpType::destination_unreachable),
                          kIcmpHostUnreachable, 0);
}

bool ArpFamily::request(const View& view, Batch& batch, const Key& key,
                        const MacAddress* known) noexcept {
    const Interface& interface = (*view.interfaces)[key.interface];
    if (!interface.is_up) {
        return true;  // counts as asked: the answer cannot come
    }
    return send(batch, key.interface,
                {kArpRequest, interface.mac, asking_address(interface, key.address), MacAddress{},
                 key.address, known == nullptr ? kBroadcast : *known});
}

// The position counts every own address of every interface, then every pool address on every
// outside interface that shares its network.
bool ArpFamily::announce_one(const View& view, Batch& batch, std::size_t position,
                             bool& is_end) noexcept {
    for (const Interface& interface : view.interfaces->all()) {
        if (position < interface.address_count) {
            return announce_on(batch, interface, interface.address_storage[position].address);
        }
        position -= interface.address_count;
    }
    const std::vector<Ipv4Address>& pool = view.local->pool();
    if (position >= pool.size()) {
        is_end = true;
        return true;
    }
    const Ipv4Address address = pool[position];
    for (const Interface& interface : view.interfaces->all()) {
        for (const InterfaceAddress& own : interface.addresses()) {
            if (own.prefix.contains(address) && own.address != address) {
                return announce_on(batch, interface, address);
            }
        }
    }
    return true;  // routed to us: nobody resolves it
}

}  // namespace towpath::route
