// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat/admission.h"

namespace towpath::nat {

namespace {

constexpr Verdict refuse(DropReason reason) noexcept {
    return {Fate::refuse, reason, kNoEntry};
}
constexpr Verdict drop(DropReason reason) noexcept {
    return {Fate::drop, reason, kNoEntry};
}

// RFC 5382 REQ-1 and the rows CLOSED and onwards of nat-behaviour.md section 8, from inside.
[[nodiscard]] Verdict tcp_outbound(Translator& translator, const Flow& flow,
                                   std::uint32_t now_s) noexcept {
    const EntryIndex known = translator.mappings.find(flow.key, flow.hash);
    const EntryIndex session =
        known == kNoEntry
            ? kNoEntry
            : find_session(translator.tables, known, flow.remote.address, flow.remote.port);
    if (session != kNoEntry && translator.mappings.revive(known, true, now_s)) {
        const TcpStep step =
            tcp_step(translator.tables.session(session).state.load(std::memory_order_relaxed),
                     Side::inside, flow.tcp_flags);
        if (step.restarts_timer) {
            translator.sessions.restart(session, step.next, Side::inside, now_s);
        }
        return {Fate::translate, DropReason::none, known};
    }
    // What a peer begins is allowed anyway, so a connection that nobody remembers goes on, at first
    // for as long as a closed one: a stray segment is not worth more.
    const bool is_picked_up = realm_of(flow.key) == kIdentityRealm &&
                              !is_first_syn(flow.tcp_flags) && (flow.tcp_flags & kTcpRst) == 0;
    if (!is_first_syn(flow.tcp_flags) && !is_picked_up) {
        return {(flow.tcp_flags & kTcpRst) != 0 ? Fate::drop : Fate::reset,
                DropReason::nat_tcp_no_state, kNoEntry};
    }
    const bool keeps_permit =
        translator.filtering(Protocol::tcp, realm_of(flow.key)) == Filtering::address_dependent;
    if (!translator.sessions.has_room(Side::inside, keeps_permit ? 2 : 1)) {
        return refuse(DropReason::nat_session_table_full);
    }
    const Creation creation = translator.mappings.ensure(flow.key, flow.hash, now_s);
    if (creation.index == kNoEntry) {
        return refuse(creation.reason);
    }
    const EntryIndex created = translator.sessions.create(
        creation.index, flow.remote.address, flow.remote.port,
        is_picked_up ? SessionState::transitory : SessionState::init_inside, Side::inside, now_s);
    if (created == kNoEntry || (keeps_permit && !translator.sessions.keep_permit(created, now_s))) {
        return refuse(DropReason::nat_session_table_full);
    }
    return {Fate::translate, DropReason::none, creation.index};
}

// Whether filtering lets a segment without a session in (RFC 5382 REQ-3).
[[nodiscard]] bool admits_stranger(const Translator& translator, EntryIndex index,
                                   Ipv4Address remote) noexcept {
    switch (translator.filtering(Protocol::tcp, translator.tables.mapping(index).realm())) {
        case Filtering::endpoint_independent:
            return true;
        case Filtering::address_dependent:
            return find_session(translator.tables, index, remote, Port{}) != kNoEntry;
        case Filtering::address_and_port_dependent:
            break;
    }
    return false;
}

[[nodiscard]] Verdict tcp_inbound(Translator& translator, EntryIndex index, Endpoint remote,
                                  std::uint8_t tcp_flags, std::uint32_t now_s) noexcept {
    const EntryIndex session = find_session(translator.tables, index, remote.address, remote.port);
    if (session != kNoEntry) {
        const TcpStep step =
            tcp_step(translator.tables.session(session).state.load(std::memory_order_relaxed),
                     Side::outside, tcp_flags);
        if (step.restarts_timer) {
            translator.sessions.restart(session, step.next, Side::outside, now_s);
        }
        return {Fate::translate, DropReason::none, index};
    }
    if (!admits_stranger(translator, index, remote.address)) {
        return drop(DropReason::inbound_filtered);
    }
    if (!is_first_syn(tcp_flags)) {
        return {Fate::translate, DropReason::none, index};  // CLOSED, e other: no session
    }
    if (translator.tables.pool().is_draining(translator.tables.mapping(index).pool_slot)) {
        return drop(DropReason::inbound_no_mapping);
    }
    const Realm realm = translator.tables.mapping(index).realm();
    const bool keeps_permit =
        translator.filtering(Protocol::tcp, realm) == Filtering::address_dependent;
    if (!translator.sessions.has_room(Side::outside, keeps_permit ? 2 : 1)) {
        return drop(DropReason::nat_session_table_full);
    }
    const EntryIndex created = translator.sessions.create(
        index, remote.address, remote.port, SessionState::init_outside, Side::outside, now_s);
    if (created == kNoEntry || (keeps_permit && !translator.sessions.keep_permit(created, now_s))) {
        return drop(DropReason::nat_session_table_full);
    }
    return {Fate::translate, DropReason::none, index};
}

}  // namespace

Verdict admit_outbound_as_owner(Translator& translator, const Flow& flow,
                                std::uint32_t now_s) noexcept {
    if (flow.protocol == Protocol::tcp) {
        return tcp_outbound(translator, flow, now_s);
    }
    if (!flow.may_create) {
        return drop(DropReason::nat_icmp_reply_unsolicited);
    }
    const Realm realm = realm_of(flow.key);
    const bool tracks = translator.tracks_remotes(flow.protocol, realm);
    const Port port = translator.session_port(flow.protocol, realm, flow.remote.port);
    const EntryIndex known = translator.mappings.find(flow.key, flow.hash);
    EntryIndex session = tracks && known != kNoEntry
                             ? find_session(translator.tables, known, flow.remote.address, port)
                             : kNoEntry;
    if (tracks && session == kNoEntry && !translator.sessions.has_room(Side::inside, 1)) {
        return refuse(DropReason::nat_session_table_full);
    }
    const Creation creation = translator.mappings.ensure(flow.key, flow.hash, now_s);
    if (creation.index == kNoEntry) {
        return refuse(creation.reason);
    }
    if (tracks) {
        // A held mapping that could not be taken back leaves its sessions nowhere: it had none.
        if (session == kNoEntry) {
            session = translator.sessions.create(creation.index, flow.remote.address, port,
                                                 SessionState::permit, Side::inside, now_s);
            if (session == kNoEntry) {
                return refuse(DropReason::nat_session_table_full);
            }
        }
        stamp(translator.tables.session(session).last_inside_s, now_s);
    }
    return {Fate::translate, DropReason::none, creation.index};
}

Verdict admit_inbound_as_owner(Translator& translator, EntryIndex index, Endpoint remote,
                               std::uint8_t tcp_flags, std::uint32_t now_s) noexcept {
    if (!translator.mappings.revive(index, false, now_s)) {
        return drop(DropReason::inbound_no_mapping);
    }
    if (translator.tables.mapping(index).protocol() == Protocol::tcp) {
        return tcp_inbound(translator, index, remote, tcp_flags, now_s);
    }
    return admit_inbound_query(translator, index, remote, now_s);
}

}  // namespace towpath::nat
