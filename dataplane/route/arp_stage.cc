// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/route/arp_stage.h"

#include "dataplane/route/arp_frame.h"
#include "dataplane/wire/arp.h"
#include "dataplane/wire/ethernet.h"

namespace towpath::route {
namespace {

bool is_well_formed(const ArpHeader& arp) noexcept {
    const std::uint16_t operation = arp.operation.host();
    return arp.hardware_type.host() == kArpHardwareEthernet &&
           arp.protocol_type.host() == kEtherTypeIpv4 && arp.hardware_length_bytes == 6 &&
           arp.protocol_length_bytes == 4 && (operation == kArpRequest || operation == kArpReply);
}

// Addresses that the data plane speaks for on this interface (15.1).
bool answers_for(const View& view, const Interface& ingress, Ipv4Address address) noexcept {
    return ingress.owns(address) ||
           (ingress.role == InterfaceRole::outside && view.local->use_of(address).is_pool);
}

bool is_on_link(const Interface& interface, Ipv4Address address) noexcept {
    for (const InterfaceAddress& own : interface.addresses()) {
        if (own.prefix.contains(address)) {
            return true;
        }
    }
    return false;
}

void take_from_host(Batch& batch, PacketIndex index, const ArpHeader& arp) noexcept {
    Packet& packet = batch[index];
    if (arp.operation.host() != kArpRequest) {
        batch.drop(index, DropReason::arp_from_host);
        return;
    }
    packet.egress = packet.ingress;
    batch.put(index, Lane::transmit);
}

// The request's own buffer carries the answer.
void answer(Batch& batch, PacketIndex index, const Interface& ingress, ArpHeader arp) noexcept {
    Packet& packet = batch[index];
    packet.egress = packet.ingress;
    if (write_arp(packet, {kArpReply, ingress.mac, Ipv4Address{arp.target_address}, arp.sender_mac,
                           Ipv4Address{arp.sender_address}, arp.sender_mac})) {
        batch.put(index, Lane::transmit);
    } else {
        batch.drop(index, DropReason::no_buffer);
    }
}

// 15.5: whom to believe. Outstanding requests and entries that exist; who asks for us is about to
// be talked to, so it is learned too.
bool may_learn(const ArpState& state, const ArpHeader& arp, NeighborKey key,
               bool is_for_us) noexcept {
    if (state.resolver->is_pending(key)) {
        return true;
    }
    const bool exists = state.resolver->table().state_of(key) != NeighborState::none;
    const bool is_gratuitous = arp.sender_address == arp.target_address;
    if (is_gratuitous) {
        return exists && state.accepts_gratuitous;
    }
    return exists || (arp.operation.host() == kArpRequest && is_for_us);
}

void take(ArpState& state, Batch& batch, PacketIndex index, Now now) noexcept {
    const Packet& packet = batch[index];
    const auto* arp = header_at<ArpHeader>(packet.bytes(), sizeof(EthernetHeader));
    if (arp == nullptr || !is_well_formed(*arp)) {
        batch.drop(index, DropReason::arp_malformed);
        return;
    }
    if (packet.from_host) {
        take_from_host(batch, index, *arp);
        return;
    }
    const Interface& ingress = (*state.view.interfaces)[packet.ingress];
    if (arp->sender_mac.is_group() || arp->sender_mac.is_zero() || arp->sender_mac == ingress.mac) {
        batch.drop(index, DropReason::arp_malformed);
        return;
    }
    const Ipv4Address sender{arp->sender_address};
    const bool is_for_us = answers_for(state.view, ingress, Ipv4Address{arp->target_address});
    if (state.view.local->use_of(sender).is_ours()) {
        batch.drop(index, DropReason::arp_conflict);
        return;
    }
    const NeighborKey key{packet.ingress, sender};
    // Probes (RFC 5227) have no sender; a station of another network is no neighbour.
    const bool is_learned = is_on_link(ingress, sender) && may_learn(state, *arp, key, is_for_us);
    if (is_learned) {
        state.resolver->learned(batch, key, arp->sender_mac, now);
    }
    if (arp->operation.host() == kArpRequest) {
        if (is_for_us) {
            answer(batch, index, ingress, *arp);
        } else {
            batch.put(index, Lane::absorb);  // between other stations
        }
        return;
    }
    if (ingress.has_host) {
        batch.put(index, Lane::punt);  // the host may be the one that asked
    } else if (is_learned) {
        batch.put(index, Lane::absorb);
    } else {
        batch.drop(index, DropReason::arp_unsolicited);
    }
}

}  // namespace

void arp_stage(ArpState& state, Batch& batch, Now now) noexcept {
    PacketList& lane = batch.lane(Lane::arp);
    for (const PacketIndex index : lane) {
        if (state.resolver == nullptr) {
            batch.hand_off(index, 0, Lane::arp);
        } else {
            take(state, batch, index, now);
        }
    }
    lane.clear();
}

}  // namespace towpath::route
