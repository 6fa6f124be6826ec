// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat/peer_flows.h"

#include "dataplane/nat/admission.h"
#include "dataplane/nat/icmp_error.h"
#include "dataplane/nat/rewrite.h"
#include "dataplane/nat/settle.h"

namespace towpath::nat {

namespace {

[[nodiscard]] Verdict admit_answer(Translator& translator, const Packet& packet,
                                   std::uint32_t now_s) noexcept {
    Embedded embedded;
    if (packet.transport == TransportKind::icmp_error) {
        DropReason reason = read_embedded(packet, embedded);
        if (reason == DropReason::none) {
            reason = admit_error_to_peer(translator, packet, embedded, now_s);
        }
        return {reason == DropReason::none ? Fate::translate : Fate::drop, reason, kNoEntry};
    }
    const bool is_question = packet.transport == TransportKind::icmp_query &&
                             has_transport_header(packet) && opens_query(packet);
    if (packet.transport == TransportKind::unknown || is_question) {
        return {Fate::drop, DropReason::inbound_no_mapping, kNoEntry};
    }
    const Ipv4Header& ip = packet.header<Ipv4Header>(packet.l3);
    const Ipv4Address peer{ip.destination};
    Flow flow;
    flow.key = inside_key(peer, packet.destination_port, protocol_of(packet), kIdentityRealm);
    flow.hash = translator.tables.hash_of(flow.key);
    flow.owner = translator.tables.ownership().owner_of(peer);
    return admit_inbound(translator, find_mapping(translator.tables, flow),
                         {Ipv4Address{ip.source}, packet.source_port}, tcp_flags_of(packet), now_s);
}

}  // namespace

std::optional<Realm> realm_of_peer(const Translator& translator, const Packet& packet) noexcept {
    const Policy& policy = *translator.policy;
    const auto ingress = static_cast<std::size_t>(packet.ingress);
    const auto egress = static_cast<std::size_t>(packet.egress);
    // Among peers of one tunnel nobody is hidden, and towards those of another stateful one nothing
    // is begun.
    if (!(*translator.interfaces)[packet.ingress].is_tunnel || packet.was_rewritten_inbound ||
        ingress == egress || policy.tunnel_flows[egress].is_stateful) {
        return std::nullopt;
    }
    const Ipv4Address destination{packet.header<Ipv4Header>(packet.l3).destination};
    if (!policy.realm_addresses[egress].is_unspecified() &&
        policy.tunnel_flows[ingress].translates(destination)) {
        return realm_towards(packet.egress);
    }
    if (policy.tunnel_flows[ingress].is_stateful) {
        return kIdentityRealm;
    }
    return std::nullopt;
}

bool has_to_answer(const Translator& translator, const Packet& packet) noexcept {
    return !packet.is_originated && !packet.is_hairpin && !packet.was_rewritten_inbound &&
           packet.egress != kNoInterface && packet.ingress != packet.egress &&
           translator.policy->tunnel_flows[static_cast<std::size_t>(packet.egress)].is_stateful;
}

void pass_answer(Translator& translator, Batch& batch, PacketIndex index,
                 std::uint32_t now_s) noexcept {
    const Verdict verdict = admit_answer(translator, batch[index], now_s);
    switch (verdict.fate) {
        case Fate::translate:
            batch.put(index, Lane::link);
            return;
        case Fate::hand_off: {
            const Ipv4Header& ip = batch[index].header<Ipv4Header>(batch[index].l3);
            batch.hand_off(index,
                           translator.tables.ownership().owner_of(Ipv4Address{ip.destination}),
                           Lane::nat_outbound);
            return;
        }
        case Fate::drop:
        case Fate::refuse:
        case Fate::reset:
            break;
    }
    const bool is_stranger = verdict.reason == DropReason::inbound_no_mapping ||
                             verdict.reason == DropReason::inbound_filtered ||
                             verdict.reason == DropReason::icmp_error_no_mapping ||
                             verdict.reason == DropReason::icmp_error_filtered;
    batch.drop(index, is_stranger ? DropReason::tunnel_unsolicited : verdict.reason);
}

}  // namespace towpath::nat
