// SPDX-License-Identifier: BSD-3-Clause
// One worker's NAT: what it owns of the shared tables, and the two stages. Not the tables
// themselves (tables.h), which every worker reads. Nothing here allocates after create().
//
// Lanes. nat_inbound gets packets addressed to a pool address (from outside, or from inside as
// hairpin) and puts them into route, rewritten. nat_outbound gets every routed packet; those from
// an inside to an outside interface leave translated, those from a tunnel to an interface whose
// address its peers are given likewise, all others and hairpin ones unchanged, into link. What is
// addressed to such an interface and answers no peer goes back from nat_inbound into classify. Both
// use hand_off, drop, icmp_error, punt and hold (inbound) and route (a reset back to a sender
// without state, decisions.md N15).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "dataplane/nat/event_ring.h"
#include "dataplane/nat/policy.h"
#include "dataplane/nat/view.h"
#include "dataplane/packet/batch.h"
#include "dataplane/packet/identification.h"
#include "dataplane/packet/interface.h"
#include "dataplane/wire/now.h"

namespace towpath::nat {

class Tables;
class Translator;  // the state's inside, translator.h

class State {
public:
    // One per worker, worker < capacity.workers. `tables`, and what the pointers name, outlive the
    // use that the next set_policy or set_interfaces ends.
    State(Tables& tables, WorkerId worker, const Policy* policy, const InterfaceTable* interfaces);
    ~State();
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    // By the worker, when it takes up another generation. Live mappings stay; timers apply at the
    // next look at each.
    void set_policy(const Policy* policy) noexcept;
    void set_interfaces(const InterfaceTable* interfaces) noexcept;

    // Queries, by the worker that owns this state. Live and held mappings of this owner only. Of an
    // inside endpoint in several realms: the mapping towards outside, else any one.
    [[nodiscard]] std::optional<MappingView> lookup_inside(Protocol protocol, Endpoint inside,
                                                           Now now) const noexcept;
    [[nodiscard]] std::optional<MappingView> lookup_outside(Protocol protocol, Endpoint outside,
                                                            Now now) const noexcept;
    // Fills `page` from `cursor` (0 to begin). Bounded by the size of the page and of one slice, so
    // a page may come back empty with a cursor to go on from.
    [[nodiscard]] Page list(std::uint32_t cursor, std::span<MappingView> page,
                            Now now) const noexcept;

    // The sessions of a mapping of this owner, in no order: pages as of list(). A page looks at a
    // bounded part of the session table, which has no index by mapping; sessions that come or go
    // meanwhile may be missed or told.
    [[nodiscard]] Page remotes(Protocol protocol, Endpoint inside, std::uint32_t cursor,
                               std::span<RemoteView> page, Now now,
                               Realm realm = kOutsideRealm) const noexcept;

    // One consumer, any thread.
    [[nodiscard]] EventRing& events() noexcept;
    // Asks for every mapping to be said again (a consumer that starts late); by the worker.
    void request_resync() noexcept;
    [[nodiscard]] const NatCounters& counters() const noexcept;
    [[nodiscard]] WorkerId worker() const noexcept;
    // For the worker's other stages: every number that leaves under a pool address comes from here.
    [[nodiscard]] IdentificationSource& identification() noexcept;

    [[nodiscard]] Translator& translator() noexcept { return *translator_; }

private:
    std::unique_ptr<Translator> translator_;
};

void nat_inbound_stage(State& state, Batch& batch, Now now) noexcept;
void nat_outbound_stage(State& state, Batch& batch, Now now) noexcept;
// A bounded piece of housekeeping, at most `budget` entries: ends what was idle too long, returns
// what every worker has let go of, says again what a resync has to say. Every turn of the loop,
// between bursts.
void expire_slice(State& state, Now now, std::size_t budget) noexcept;

}  // namespace towpath::nat
