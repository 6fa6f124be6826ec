// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/ipv6/neighbor_stage.h"

#include "dataplane/ipv6/neighbor_message.h"
#include "dataplane/wire/ethernet.h"

namespace towpath::ipv6 {
namespace {

bool is_on_link(const Interface& interface, const Ipv6Address& address) noexcept {
    if (is_link_local(address)) {
        return true;
    }
    for (const Ipv6InterfaceAddress& own : interface.ipv6_addresses()) {
        if (own.prefix.contains(address)) {
            return true;
        }
    }
    return false;
}

struct Question {
    DiscoveryState& state;
    Batch& batch;
    PacketIndex index;
    const Interface& ingress;
    const NeighborNews& news;
    Now now;
};

// The request's own buffer carries the answer. Who tests an address has none yet and listens to
// all nodes (RFC 4861 section 7.2.4).
void answer(const Question& question, const MacAddress& asking_mac) noexcept {
    Packet& packet = question.batch[question.index];
    const NeighborNews& news = question.news;
    const bool is_test = is_unspecified(news.source);
    const std::uint32_t flags =
        kNeighborRouter | kNeighborOverride | (is_test ? 0 : kNeighborSolicited);
    packet.egress = packet.ingress;
    if (write_neighbor_frame(packet,
                             {Icmpv6Type::neighbor_advertisement, flags, news.target,
                              is_test ? kAllNodes : news.source, news.target, question.ingress.mac,
                              is_test ? group_mac(kAllNodes) : asking_mac})) {
        question.batch.put(question.index, Lane::transmit);
    } else {
        question.batch.drop(question.index, DropReason::no_buffer);
    }
}

void take_solicitation(const Question& question) noexcept {
    const NeighborNews& news = question.news;
    const MacAddress frame_source = question.batch[question.index].header<EthernetHeader>(0).source;
    const bool is_for_us = question.ingress.owns(news.target);
    const NeighborKey key{question.ingress.id, news.source};
    NeighborResolver& resolver = *question.state.resolver;
    if (news.mac.has_value() && is_on_link(question.ingress, news.source) &&
        (is_for_us || resolver.is_pending(key))) {
        // Who asks for us is about to be talked to.
        resolver.learned(question.batch, key, *news.mac, question.now);
    }
    if (is_for_us) {
        answer(question, news.mac.value_or(frame_source));
    } else {
        question.batch.put(question.index, Lane::absorb);  // between other stations
    }
}

// RFC 4861 section 7.2.5. Without the override flag a known MAC stays, and is asked about again.
bool learn(const Question& question) noexcept {
    const NeighborNews& news = question.news;
    const NeighborKey key{question.ingress.id, news.target};
    NeighborResolver& resolver = *question.state.resolver;
    const NeighborTable::Entry entry = resolver.table().entry_of(key);
    if (entry.state == NeighborState::none) {
        if (!news.mac.has_value() || !resolver.is_pending(key)) {
            return false;
        }
        resolver.learned(question.batch, key, *news.mac, question.now);
        return true;
    }
    const MacAddress mac = news.mac.value_or(entry.mac);
    const bool is_override = (news.flags & kNeighborOverride) != 0;
    const bool is_solicited = (news.flags & kNeighborSolicited) != 0;
    if (mac != entry.mac && !is_override) {
        if (entry.state == NeighborState::reachable) {
            resolver.table().set_state(key, NeighborState::stale);
        }
    } else if (is_solicited || mac != entry.mac) {
        resolver.learned(question.batch, key, mac, question.now);
    }
    return true;
}

void take_advertisement(const Question& question) noexcept {
    if (question.ingress.owns(question.news.target)) {
        question.batch.drop(question.index, DropReason::nd_conflict);
        return;
    }
    const bool is_learned = is_on_link(question.ingress, question.news.target) && learn(question);
    if (question.ingress.has_host) {
        question.batch.put(question.index, Lane::punt);  // the host may be the one that asked
    } else if (is_learned) {
        question.batch.put(question.index, Lane::absorb);
    } else {
        question.batch.drop(question.index, DropReason::nd_unsolicited);
    }
}

void take_from_host(const Question& question) noexcept {
    if (question.news.type == Icmpv6Type::neighbor_advertisement ||
        is_unspecified(question.news.source)) {
        question.batch.drop(question.index, DropReason::nd_from_host);
        return;
    }
    Packet& packet = question.batch[question.index];
    packet.egress = packet.ingress;
    question.batch.put(question.index, Lane::transmit);
}

bool is_for_neighbors(std::uint8_t type) noexcept {
    return type == static_cast<std::uint8_t>(Icmpv6Type::neighbor_solicitation) ||
           type == static_cast<std::uint8_t>(Icmpv6Type::neighbor_advertisement);
}

void take(DiscoveryState& state, Batch& batch, PacketIndex index, Now now) noexcept {
    const Packet& packet = batch[index];
    const Interface& ingress = (*state.view.interfaces)[packet.ingress];
    if (ingress.is_tunnel || !is_for_neighbors(packet.header<Icmpv6Header>(packet.l4).type)) {
        batch.drop(index, DropReason::nd_not_handled);  // behind a tunnel there are no neighbours
        return;
    }
    const std::optional<NeighborNews> news = read_neighbor_message(packet);
    if (!news.has_value()) {
        batch.drop(index, DropReason::nd_malformed);
        return;
    }
    const Question question{state, batch, index, ingress, *news, now};
    if (packet.from_host) {
        take_from_host(question);
    } else if (ingress.owns(news->source)) {
        batch.drop(index, DropReason::nd_conflict);
    } else if (news->type == Icmpv6Type::neighbor_solicitation) {
        take_solicitation(question);
    } else {
        take_advertisement(question);
    }
}

}  // namespace

void neighbor_stage(DiscoveryState& state, Batch& batch, Now now) noexcept {
    PacketList& lane = batch.lane(Lane::neighbor6);
    for (const PacketIndex index : lane) {
        if (state.resolver == nullptr) {
            batch.hand_off(index, 0, Lane::neighbor6);
        } else {
            take(state, batch, index, now);
        }
    }
    lane.clear();
}

}  // namespace towpath::ipv6
