// SPDX-License-Identifier: BSD-3-Clause
// Routed packets from inside to outside get the outside endpoint of their sender's mapping
// (nat-behaviour.md 6.1, steps 9 to 14); those of peers to private hosts that of the interface they
// leave by, where the operator wants it so (decisions.md W13).
#include <optional>

#include "dataplane/nat/admission.h"
#include "dataplane/nat/icmp_error.h"
#include "dataplane/nat/peer_flows.h"
#include "dataplane/nat/rewrite.h"
#include "dataplane/nat/settle.h"
#include "dataplane/nat/state.h"

namespace towpath::nat {

namespace {

// In which realm a packet is translated on its way out; none: it passes as it is.
[[nodiscard]] std::optional<Realm> realm_for(const Translator& translator,
                                             const Packet& packet) noexcept {
    if (packet.is_hairpin || packet.is_originated || packet.ingress == kNoInterface ||
        packet.egress == kNoInterface) {
        return std::nullopt;
    }
    const InterfaceTable& interfaces = *translator.interfaces;
    if (translator.policy->is_enabled && interfaces[packet.ingress].role == InterfaceRole::inside &&
        interfaces[packet.egress].role == InterfaceRole::outside) {
        return kOutsideRealm;
    }
    return translator.policy->has_tunnel_flows ? realm_of_peer(translator, packet) : std::nullopt;
}

void pass(Translator& translator, Batch& batch, PacketIndex index, std::uint32_t now_s) noexcept {
    // What nat-inbound translated: only now is it known where it leaves.
    if (batch[index].was_rewritten_inbound) {
        clamp_mss_of(translator, batch[index], tcp_flags_of(batch[index]));
    } else if (translator.policy->has_tunnel_flows && has_to_answer(translator, batch[index])) {
        pass_answer(translator, batch, index, now_s);
        return;
    }
    batch.put(index, Lane::link);
}

[[gnu::noinline]] void translate_error(Translator& translator, Batch& batch, PacketIndex index,
                                       Realm realm, std::uint32_t now_s) noexcept {
    Packet& packet = batch[index];
    Embedded embedded;
    DropReason reason = read_embedded(packet, embedded);
    if (reason == DropReason::none) {
        reason = translate_error_outbound(translator, packet, embedded, realm, now_s);
    }
    if (reason != DropReason::none) {
        batch.drop(index, reason);
        return;
    }
    if (realm != kIdentityRealm) {
        renew_identification(translator, packet);
    }
    batch.put(index, Lane::link);
}

// From bucket to mapping and, where remotes count, from its number to the session: every look-up of
// the burst is under way before the first one is needed.
void prefetch_entries(Translator& translator, std::size_t count) noexcept {
    const Tables& tables = translator.tables;
    for (std::size_t position = 0; position < count; ++position) {
        OutboundCandidate& candidate = translator.outbound[position];
        Flow& flow = candidate.flow;
        flow.guess = tables.part(flow.owner).by_inside.guess(flow.hash);
        const Realm realm = realm_of(flow.key);
        candidate.tracks =
            translator.tracks_remotes(flow.protocol, realm) && flow.guess != kNoEntry;
        if (flow.guess != kNoEntry) {
            __builtin_prefetch(&tables.mapping(flow.guess));
        } else if (flow.owner == translator.worker) {
            translator.mappings.prefetch_creation(flow.key, position);
        }
        if (candidate.tracks) {
            flow.session_hash =
                tables.hash_of(flow.guess, flow.remote.address,
                               translator.session_port(flow.protocol, realm, flow.remote.port));
            tables.part(flow.owner).by_remote.prefetch(flow.session_hash);
        }
    }
    for (std::size_t position = 0; position < count; ++position) {
        const OutboundCandidate& candidate = translator.outbound[position];
        if (candidate.tracks) {
            const Tables::Part& part = tables.part(candidate.flow.owner);
            __builtin_prefetch(
                &part.sessions[local_of(part.by_remote.guess(candidate.flow.session_hash))]);
        }
    }
}

[[gnu::always_inline]] inline void act(Translator& translator, Batch& batch,
                                       const OutboundCandidate& candidate,
                                       std::uint32_t now_s) noexcept {
    const Verdict verdict = admit_outbound(translator, candidate.flow, now_s);
    if (verdict.fate != Fate::translate) {
        settle(translator, batch, candidate.index, verdict, candidate.flow.owner,
               Lane::nat_outbound, now_s);
        return;
    }
    Packet& packet = batch[candidate.index];
    if (realm_of(candidate.flow.key) == kIdentityRealm) {
        batch.put(candidate.index, Lane::link);
        return;
    }
    rewrite_source(packet, translator.tables.mapping(verdict.mapping));
    renew_identification(translator, packet);
    clamp_mss_of(translator, packet, candidate.flow.tcp_flags);
    batch.put(candidate.index, Lane::link);
}

}  // namespace

void nat_outbound_stage(State& state, Batch& batch, Now now) noexcept {
    Translator& translator = state.translator();
    const std::uint32_t now_s = coarse_seconds(now);
    std::size_t count = 0;
    for (const PacketIndex index : batch.lane(Lane::nat_outbound)) {
        const Packet& packet = batch[index];
        const std::optional<Realm> realm = realm_for(translator, packet);
        if (!realm) {
            pass(translator, batch, index, now_s);
        } else if (packet.transport == TransportKind::icmp_error) {
            translate_error(translator, batch, index, *realm, now_s);
        } else if (packet.transport == TransportKind::unknown) {
            // Not forwarded, and the sender learns why (RFC 6888 REQ-1).
            batch.reject(index, DropReason::protocol_unsupported,
                         static_cast<std::uint8_t>(IcmpType::destination_unreachable),
                         kIcmpProtocolUnreachable);
        } else {
            OutboundCandidate& candidate = translator.outbound[count++];
            read_flow(translator, packet, *realm, candidate.flow);
            candidate.index = index;
            translator.tables.part(candidate.flow.owner).by_inside.prefetch(candidate.flow.hash);
        }
    }
    batch.lane(Lane::nat_outbound).clear();
    prefetch_entries(translator, count);
    for (std::size_t position = 0; position < count; ++position) {
        act(translator, batch, translator.outbound[position], now_s);
    }
}

}  // namespace towpath::nat
