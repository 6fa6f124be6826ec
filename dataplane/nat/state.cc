// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat/state.h"

#include <algorithm>

#include "dataplane/nat/translator.h"

namespace towpath::nat {

namespace {

// Entries that one call of list() or remotes() may pass over.
constexpr std::uint32_t kListScanMax = 4096;

// 0 for a time that a worker stamped a moment ahead of the asking one.
[[nodiscard]] std::uint32_t seconds_since(std::uint32_t then_s, std::uint32_t now_s) noexcept {
    return static_cast<std::int32_t>(now_s - then_s) > 0 ? now_s - then_s : 0;
}

[[nodiscard]] std::optional<MappingView> view_of(const Translator& translator, EntryIndex index,
                                                 Now now) noexcept {
    const Mapping& mapping = translator.tables.mapping(index);
    const MappingState state = mapping.state.load(std::memory_order_relaxed);
    if (state == MappingState::free || state == MappingState::dead) {
        return std::nullopt;
    }
    const std::uint32_t now_s = coarse_seconds(now);
    const std::uint32_t used_s = mapping.last_used_s.load(std::memory_order_relaxed);
    return MappingView{
        .inside = {mapping.inside_address(), mapping.inside_port()},
        .outside = {mapping.outside_address, mapping.outside_port},
        .protocol = mapping.protocol(),
        .realm = mapping.realm(),
        .owner = translator.worker,
        .is_held = state == MappingState::held,
        .is_replied = mapping.is_replied.load(std::memory_order_relaxed),
        .sessions = mapping.sessions,
        .age_s = now_s - mapping.created_s,
        .idle_s = seconds_since(used_s, now_s),
    };
}

[[nodiscard]] EntryIndex find_in(const Translator& translator, Protocol protocol, Endpoint inside,
                                 Realm realm) noexcept {
    const InsideKey key = inside_key(inside.address, inside.port, protocol, realm);
    return translator.mappings.find(key, translator.tables.hash_of(key));
}

// The mapping towards outside if there is one, else that towards an interface, else the identity.
[[nodiscard]] EntryIndex find_inside(const Translator& translator, Protocol protocol,
                                     Endpoint inside) noexcept {
    EntryIndex index = find_in(translator, protocol, inside, kOutsideRealm);
    for (std::size_t interface = 0; index == kNoEntry && interface < kInterfacesMax; ++interface) {
        index = find_in(translator, protocol, inside,
                        realm_towards(static_cast<InterfaceId>(interface)));
    }
    return index != kNoEntry ? index : find_in(translator, protocol, inside, kIdentityRealm);
}

[[nodiscard]] bool is_session_of(const Session& session, EntryIndex mapping) noexcept {
    const SessionState state = session.state.load(std::memory_order_relaxed);
    return session.mapping == mapping && state != SessionState::free &&
           state != SessionState::ending;
}

}  // namespace

State::State(Tables& tables, WorkerId worker, const Policy* policy,
             const InterfaceTable* interfaces)
    : translator_{std::make_unique<Translator>(tables, worker, policy, interfaces)} {}

State::~State() = default;

void State::set_policy(const Policy* policy) noexcept {
    translator_->set_policy(policy);
}

void State::set_interfaces(const InterfaceTable* interfaces) noexcept {
    translator_->interfaces = interfaces;
}

std::optional<MappingView> State::lookup_inside(Protocol protocol, Endpoint inside,
                                                Now now) const noexcept {
    const EntryIndex index = find_inside(*translator_, protocol, inside);
    return index == kNoEntry ? std::nullopt : view_of(*translator_, index, now);
}

std::optional<MappingView> State::lookup_outside(Protocol protocol, Endpoint outside,
                                                 Now now) const noexcept {
    const Pool& pool = translator_->tables.pool();
    const PoolSlot slot = pool.slot_of(outside.address);
    if (slot == kNoSlot) {
        return std::nullopt;
    }
    const EntryIndex index =
        pool.outside(slot, protocol)[outside.port.number()].load(std::memory_order_acquire);
    if (index == kNoEntry || owner_of(index) != translator_->worker) {
        return std::nullopt;
    }
    return view_of(*translator_, index, now);
}

Page State::list(std::uint32_t cursor, std::span<MappingView> page, Now now) const noexcept {
    Page result;
    const EntryIndex first = std::max<EntryIndex>(cursor, 1);
    const EntryIndex last = translator_->mappings.used();
    for (EntryIndex local = first; local <= last; ++local) {
        if (result.count == page.size() || local - first == kListScanMax) {
            result.cursor = local;
            return result;
        }
        const EntryIndex index = EntryIndex{translator_->worker} << kOwnerShift | local;
        if (const auto view = view_of(*translator_, index, now)) {
            page[result.count++] = *view;
        }
    }
    return result;
}

Page State::remotes(Protocol protocol, Endpoint inside, std::uint32_t cursor,
                    std::span<RemoteView> page, Now now, Realm realm) const noexcept {
    Page result;
    const EntryIndex mapping = find_in(*translator_, protocol, inside, realm);
    if (mapping == kNoEntry) {
        return result;
    }
    const std::uint32_t now_s = coarse_seconds(now);
    const Tables::Part& part = translator_->tables.part(translator_->worker);
    const EntryIndex first = std::max<EntryIndex>(cursor, 1);
    const EntryIndex last = translator_->sessions.used();
    for (EntryIndex local = first; local <= last; ++local) {
        if (result.count == page.size() || local - first == kListScanMax) {
            result.cursor = local;
            return result;
        }
        const Session& session = part.sessions[local];
        if (is_session_of(session, mapping)) {
            page[result.count++] = {.remote = {session.remote_address, session.remote_port},
                                    .state = session.state.load(std::memory_order_relaxed),
                                    .idle_s = seconds_since(last_seen_s(session), now_s)};
        }
    }
    return result;
}

EventRing& State::events() noexcept {
    return translator_->events;
}
void State::request_resync() noexcept {
    translator_->mappings.request_resync();
}
const NatCounters& State::counters() const noexcept {
    return translator_->counters;
}
WorkerId State::worker() const noexcept {
    return translator_->worker;
}
IdentificationSource& State::identification() noexcept {
    return translator_->identification;
}

void expire_slice(State& state, Now now, std::size_t budget) noexcept {
    Translator& translator = state.translator();
    const std::uint32_t now_s = coarse_seconds(now);
    translator.filter_change.slice(now_s);
    translator.sessions.expire(now_s, budget);
    translator.mappings.expire(now_s, budget);
    const std::uint32_t drains = translator.tables.pool().drains();
    if (drains != translator.drains_seen) {
        translator.drains_seen = drains;
        translator.drains_mappings = true;
        translator.drains_sessions = true;
    }
    if (translator.drains_sessions) {
        translator.drains_sessions = translator.sessions.drain(budget);
    }
    if (translator.drains_mappings) {
        translator.drains_mappings = translator.mappings.drain(budget);
    }
    translator.mappings.resync(now_s, budget);
}

}  // namespace towpath::nat
