// SPDX-License-Identifier: BSD-3-Clause
// May this packet be translated, and by which mapping: any worker answers for established traffic,
// the owner for everything that creates or changes state (decisions.md N3). Looks at no packet
// bytes and changes none.
#pragma once

#include <cstdint>

#include "dataplane/nat/flow.h"
#include "dataplane/nat/tcp_tracker.h"
#include "dataplane/nat/translator.h"
#include "dataplane/packet/packet.h"

namespace towpath::nat {

enum class Fate : std::uint8_t {
    translate,  // by `mapping`
    hand_off,   // the owner decides
    drop,       // silently
    refuse,     // and tell the sender: no resources (nat-behaviour.md 2, decision 1)
    reset,      // TCP without state (decisions.md N15)
};

struct Verdict {
    Fate fate = Fate::drop;
    DropReason reason = DropReason::none;
    EntryIndex mapping = kNoEntry;
};

// Not part of the stages' loops, which keep their registers for what is established.
[[nodiscard, gnu::noinline]] Verdict admit_outbound_as_owner(Translator& translator,
                                                             const Flow& flow,
                                                             std::uint32_t now_s) noexcept;
[[nodiscard, gnu::noinline]] Verdict admit_inbound_as_owner(Translator& translator,
                                                            EntryIndex index, Endpoint remote,
                                                            std::uint8_t tcp_flags,
                                                            std::uint32_t now_s) noexcept;

// Relaxed, and only when the second changed: the line stays shared between workers.
inline void stamp(std::atomic<std::uint32_t>& time_s, std::uint32_t now_s) noexcept {
    if (time_s.load(std::memory_order_relaxed) != now_s) {
        time_s.store(now_s, std::memory_order_relaxed);
    }
}

// The mapping of an inside endpoint in any state, or kNoEntry.
[[nodiscard]] inline EntryIndex find_mapping(const Tables& tables, const Flow& flow) noexcept {
    if (flow.guess != kNoEntry && tables.mapping(flow.guess).key == flow.key) {
        return flow.guess;
    }
    const Tables::Part& part = tables.part(flow.owner);
    return part.by_inside.find(flow.hash, [&](EntryIndex index) {
        return part.mappings[local_of(index)].key == flow.key;
    });
}

// A segment that changes nothing in an established connection.
[[nodiscard]] inline bool is_plain(const Session& session, std::uint8_t tcp_flags) noexcept {
    return session.state.load(std::memory_order_acquire) == SessionState::established &&
           (tcp_flags & kTcpControlFlags) == 0;
}

// Whether the flow's remote is remembered, and its packet changes nothing: then notes that it
// passed. Where remotes do not count, all are.
[[nodiscard]] inline bool passes_unchanged(const Translator& translator, const Flow& flow,
                                           EntryIndex index, std::uint32_t now_s) noexcept {
    const Realm realm = realm_of(flow.key);
    if (!translator.tracks_remotes(flow.protocol, realm)) {
        return true;
    }
    const Tables& tables = translator.tables;
    const Port port = translator.session_port(flow.protocol, realm, flow.remote.port);
    const std::uint32_t hash =
        index == flow.guess ? flow.session_hash : tables.hash_of(index, flow.remote.address, port);
    const EntryIndex session = find_session(tables, index, flow.remote.address, port, hash);
    if (session == kNoEntry) {
        return false;
    }
    Session& found = tables.session(session);
    if (flow.protocol == Protocol::tcp && !is_plain(found, flow.tcp_flags)) {
        return false;
    }
    stamp(found.last_inside_s, now_s);
    return true;
}

[[nodiscard]] inline Verdict admit_outbound(Translator& translator, const Flow& flow,
                                            std::uint32_t now_s) noexcept {
    const EntryIndex index = find_mapping(translator.tables, flow);
    if (index != kNoEntry) {
        Mapping& mapping = translator.tables.mapping(index);
        if (mapping.is_live() && flow.may_create &&
            passes_unchanged(translator, flow, index, now_s)) {
            stamp(mapping.last_used_s, now_s);
            return {Fate::translate, DropReason::none, index};
        }
    }
    if (flow.owner != translator.worker) {
        return {Fate::hand_off, DropReason::none, kNoEntry};
    }
    return admit_outbound_as_owner(translator, flow, now_s);
}

// UDP and ICMP queries to a live mapping: nothing here is the owner's alone.
[[nodiscard]] inline Verdict admit_inbound_query(Translator& translator, EntryIndex index,
                                                 Endpoint remote, std::uint32_t now_s) noexcept {
    Mapping& mapping = translator.tables.mapping(index);
    const Protocol protocol = mapping.protocol();
    const Realm realm = mapping.realm();
    const bool refreshes = translator.policy->udp_inbound_refresh && protocol == Protocol::udp;
    if (translator.tracks_remotes(protocol, realm)) {
        const EntryIndex session =
            find_session(translator.tables, index, remote.address,
                         translator.session_port(protocol, realm, remote.port));
        if (session == kNoEntry &&
            (realm != kOutsideRealm || !translator.filter_change.excuses(protocol, now_s))) {
            // M-07: what is refused refreshes nothing.
            return {Fate::drop, DropReason::inbound_filtered, kNoEntry};
        }
        if (refreshes && session != kNoEntry) {
            stamp(translator.tables.session(session).last_outside_s, now_s);
        }
    }
    if (!mapping.is_replied.load(std::memory_order_relaxed)) {
        mapping.is_replied.store(true, std::memory_order_relaxed);
    }
    if (refreshes) {
        stamp(mapping.last_used_s, now_s);
    }
    return {Fate::translate, DropReason::none, index};
}

// `index` is what BY_EXT holds for the packet's destination; `remote` its source.
[[nodiscard]] inline Verdict admit_inbound(Translator& translator, EntryIndex index,
                                           Endpoint remote, std::uint8_t tcp_flags,
                                           std::uint32_t now_s) noexcept {
    if (index == kNoEntry) {
        return {Fate::drop, DropReason::inbound_no_mapping, kNoEntry};
    }
    Mapping& mapping = translator.tables.mapping(index);
    const Protocol protocol = mapping.protocol();
    if (mapping.is_live()) {
        if (protocol != Protocol::tcp) {
            return admit_inbound_query(translator, index, remote, now_s);
        }
        const EntryIndex session =
            find_session(translator.tables, index, remote.address, remote.port);
        if (session != kNoEntry && is_plain(translator.tables.session(session), tcp_flags)) {
            stamp(translator.tables.session(session).last_outside_s, now_s);
            return {Fate::translate, DropReason::none, index};
        }
        if (session == kNoEntry && translator.filtering(Protocol::tcp, mapping.realm()) ==
                                       Filtering::address_and_port_dependent) {
            // Sessions are published before the packet that opens them leaves: this is a stranger,
            // and the owner need not hear of each one.
            return {Fate::drop, DropReason::inbound_filtered, kNoEntry};
        }
    }
    if (owner_of(index) != translator.worker) {
        return {Fate::hand_off, DropReason::none, kNoEntry};
    }
    return admit_inbound_as_owner(translator, index, remote, tcp_flags, now_s);
}

}  // namespace towpath::nat
