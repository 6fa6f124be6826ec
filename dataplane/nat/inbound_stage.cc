// SPDX-License-Identifier: BSD-3-Clause
// Packets addressed to a pool address get the inside endpoint of its mapping (nat-behaviour.md 6.2,
// steps 7 to 11). Those from inside are hairpin: their sender's half comes first (6.3,
// decisions.md N17), here as well, so that the whole is done once. Answers to peers of tunnels that
// were translated to an interface's own address (W13) come from inside and are no hairpin; what is
// no such answer is the host's, as everything on that address was before.
#include "dataplane/nat/admission.h"
#include "dataplane/nat/icmp_error.h"
#include "dataplane/nat/rewrite.h"
#include "dataplane/nat/settle.h"
#include "dataplane/nat/state.h"

namespace towpath::nat {

namespace {

[[nodiscard]] bool is_from_inside(const Translator& translator, const Packet& packet) noexcept {
    return packet.ingress != kNoInterface &&
           (*translator.interfaces)[packet.ingress].role == InterfaceRole::inside;
}

// Whether the host may be waiting for a packet that no mapping claims (decisions.md N10).
[[nodiscard]] bool belongs_to_host(const Translator& translator, const Packet& packet,
                                   const Embedded* embedded) noexcept {
    const InterfaceTable& interfaces = *translator.interfaces;
    if (packet.ingress == kNoInterface || !interfaces[packet.ingress].has_host ||
        is_from_inside(translator, packet)) {
        return false;
    }
    const Ipv4Header& ip = packet.header<Ipv4Header>(packet.l3);
    if (interfaces.owner_of(Ipv4Address{ip.destination}) == nullptr) {
        return false;
    }
    if (embedded != nullptr) {
        return embedded->protocol == Protocol::icmp ||
               translator.policy->reserved_ports.test(embedded->source.port.number());
    }
    if (packet.transport != TransportKind::icmp_query || !has_transport_header(packet)) {
        return false;
    }
    const auto type = static_cast<IcmpType>(packet.header<IcmpHeader>(packet.l4).type);
    return type == IcmpType::echo_reply || type == IcmpType::timestamp_reply;
}

// To the address of the interface that it came by, to which peers are translated.
[[nodiscard]] bool may_answer_peer(const Translator& translator, const Packet& packet) noexcept {
    return packet.ingress != kNoInterface &&
           translator.policy->realm_addresses[static_cast<std::size_t>(packet.ingress)] ==
               Ipv4Address{packet.header<Ipv4Header>(packet.l3).destination};
}

void give_to_host(Batch& batch, PacketIndex index) noexcept {
    batch[index].is_unmapped = true;
    batch.put(index, Lane::classify);
}

void translate_error(Translator& translator, Batch& batch, PacketIndex index,
                     std::uint32_t now_s) noexcept {
    Packet& packet = batch[index];
    Embedded embedded;
    DropReason reason = read_embedded(packet, embedded);
    const bool is_for_peer = may_answer_peer(translator, packet);
    if (reason == DropReason::none && is_from_inside(translator, packet) && !is_for_peer) {
        // About a hairpinned packet (9.6): the reporter's half first.
        reason = translator.policy->hairpin
                     ? translate_error_outbound(translator, packet, embedded, kOutsideRealm, now_s)
                     : DropReason::icmp_error_no_mapping;
        packet.is_hairpin = reason == DropReason::none;
    }
    if (reason == DropReason::none) {
        reason = translate_error_inbound(translator, packet, embedded, now_s);
    }
    if (reason == DropReason::none) {
        batch.put(index, Lane::route);
    } else if (is_for_peer && reason != DropReason::icmp_error_rate) {
        give_to_host(batch, index);
    } else if (reason == DropReason::icmp_error_no_mapping &&
               belongs_to_host(translator, packet, &embedded)) {
        batch.put(index, Lane::punt);
    } else {
        batch.drop(index, reason);
    }
}

// The sender's half of a hairpin packet. True when the packet now looks as one from outside.
[[nodiscard]] bool translate_sender(Translator& translator, Batch& batch, PacketIndex index,
                                    std::uint32_t now_s) noexcept {
    Packet& packet = batch[index];
    if (!translator.policy->hairpin || packet.transport == TransportKind::icmp_query) {
        batch.drop(index, DropReason::inbound_no_mapping);
        return false;
    }
    Flow flow;
    read_flow(translator, packet, kOutsideRealm, flow);
    const Verdict verdict = admit_outbound(translator, flow, now_s);
    if (verdict.fate != Fate::translate) {
        settle(translator, batch, index, verdict, flow.owner, Lane::nat_inbound, now_s);
        return false;
    }
    rewrite_source(packet, translator.tables.mapping(verdict.mapping));
    renew_identification(translator, packet);
    packet.is_hairpin = true;
    return true;
}

// Queries from outside are not for mappings (decision 14).
[[nodiscard]] bool is_query_from_outside(const Packet& packet) noexcept {
    if (packet.transport != TransportKind::icmp_query || !has_transport_header(packet)) {
        return false;
    }
    const auto type = static_cast<IcmpType>(packet.header<IcmpHeader>(packet.l4).type);
    return type == IcmpType::echo_request || type == IcmpType::timestamp_request;
}

void prepare(Translator& translator, const Packet& packet, InboundCandidate& candidate) noexcept {
    const Ipv4Header& ip = packet.header<Ipv4Header>(packet.l3);
    const Pool& pool = translator.tables.pool();
    const PoolSlot slot = pool.slot_of(Ipv4Address{ip.destination});
    candidate.protocol = protocol_of(packet);
    candidate.cell =
        slot == kNoSlot || is_query_from_outside(packet)
            ? nullptr
            : &pool.outside(slot, candidate.protocol)[packet.destination_port.number()];
    if (candidate.cell != nullptr) {
        __builtin_prefetch(candidate.cell);
    }
    candidate.remote.address = Ipv4Address{ip.source};
    candidate.remote.port = packet.source_port;
    candidate.tcp_flags = tcp_flags_of(packet);
}

void prefetch_entries(Translator& translator, std::size_t count) noexcept {
    const Tables& tables = translator.tables;
    for (std::size_t position = 0; position < count; ++position) {
        InboundCandidate& candidate = translator.inbound[position];
        candidate.mapping =
            candidate.cell == nullptr ? kNoEntry : candidate.cell->load(std::memory_order_acquire);
        candidate.tracks = candidate.mapping != kNoEntry &&
                           translator.tracks_remotes(candidate.protocol, kOutsideRealm);
        if (candidate.mapping == kNoEntry) {
            continue;
        }
        __builtin_prefetch(&tables.mapping(candidate.mapping));
        if (candidate.tracks) {
            candidate.session_hash = tables.hash_of(
                candidate.mapping, candidate.remote.address,
                translator.session_port(candidate.protocol, kOutsideRealm, candidate.remote.port));
            tables.part(owner_of(candidate.mapping)).by_remote.prefetch(candidate.session_hash);
        }
    }
    for (std::size_t position = 0; position < count; ++position) {
        const InboundCandidate& candidate = translator.inbound[position];
        if (candidate.tracks) {
            const Tables::Part& part = tables.part(owner_of(candidate.mapping));
            __builtin_prefetch(
                &part.sessions[local_of(part.by_remote.guess(candidate.session_hash))]);
        }
    }
}

// A SYN that nobody asked for: its sender may hear so later (held_syns.h).
[[nodiscard]] bool is_held(Translator& translator, const Packet& packet, const Verdict& verdict,
                           std::uint8_t tcp_flags, Now now) noexcept {
    const bool is_unsolicited = verdict.reason == DropReason::inbound_no_mapping ||
                                verdict.reason == DropReason::inbound_filtered;
    return is_unsolicited && verdict.fate == Fate::drop && translator.policy->reject_syns &&
           packet.transport == TransportKind::tcp && packet.fragment == FragmentKind::whole &&
           is_first_syn(tcp_flags) && translator.held_syns.hold(packet, verdict.reason, now);
}

[[gnu::noinline]] void refuse(Translator& translator, Batch& batch,
                              const InboundCandidate& candidate, const Verdict& verdict,
                              Now now) noexcept {
    const Packet& packet = batch[candidate.index];
    if (verdict.fate == Fate::drop && may_answer_peer(translator, packet)) {
        give_to_host(batch, candidate.index);
    } else if (verdict.reason == DropReason::inbound_no_mapping &&
               belongs_to_host(translator, packet, nullptr)) {
        batch.put(candidate.index, Lane::punt);
    } else if (is_held(translator, packet, verdict, candidate.tcp_flags, now)) {
        batch.put(candidate.index, Lane::hold);
    } else {
        settle(translator, batch, candidate.index, verdict, owner_of(candidate.mapping),
               Lane::nat_inbound, coarse_seconds(now));
    }
}

void act(Translator& translator, Batch& batch, const InboundCandidate& candidate, Now now,
         std::uint32_t now_s) noexcept {
    const Verdict verdict =
        admit_inbound(translator, candidate.mapping, candidate.remote, candidate.tcp_flags, now_s);
    if (verdict.fate == Fate::translate) {
        Packet& packet = batch[candidate.index];
        if (packet.header<Ipv4Header>(packet.l3).ttl <= 1) [[unlikely]] {
            // classify has seen to it, but not where the packet might have been the host's.
            batch.reject(candidate.index, DropReason::ttl_expired,
                         static_cast<std::uint8_t>(IcmpType::time_exceeded), 0);
            return;
        }
        rewrite_destination(packet, translator.tables.mapping(verdict.mapping));
        batch.put(candidate.index, Lane::route);
    } else {
        refuse(translator, batch, candidate, verdict, now);
    }
}

}  // namespace

void nat_inbound_stage(State& state, Batch& batch, Now now) noexcept {
    Translator& translator = state.translator();
    const std::uint32_t now_s = coarse_seconds(now);
    std::size_t count = 0;
    for (const PacketIndex index : batch.lane(Lane::nat_inbound)) {
        Packet& packet = batch[index];
        if (packet.transport == TransportKind::unknown) {
            batch.drop(index, DropReason::protocol_unsupported);
            continue;
        }
        if (packet.transport == TransportKind::icmp_error) {
            translate_error(translator, batch, index, now_s);
            continue;
        }
        if (!packet.is_hairpin && is_from_inside(translator, packet) &&
            !may_answer_peer(translator, packet) &&
            !translate_sender(translator, batch, index, now_s)) {
            continue;
        }
        InboundCandidate& candidate = translator.inbound[count++];
        candidate.index = index;
        prepare(translator, packet, candidate);
    }
    batch.lane(Lane::nat_inbound).clear();
    prefetch_entries(translator, count);
    for (std::size_t position = 0; position < count; ++position) {
        act(translator, batch, translator.inbound[position], now, now_s);
    }
}

}  // namespace towpath::nat
