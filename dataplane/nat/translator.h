// SPDX-License-Identifier: BSD-3-Clause
// What one worker's NAT is made of, for the files of this folder. The public face is state.h.
#pragma once

#include <array>

#include "dataplane/nat/budget.h"
#include "dataplane/nat/event_ring.h"
#include "dataplane/nat/filter_change.h"
#include "dataplane/nat/flow.h"
#include "dataplane/nat/held_syns.h"
#include "dataplane/nat/mapping_store.h"
#include "dataplane/nat/policy.h"
#include "dataplane/nat/random.h"
#include "dataplane/nat/session_store.h"
#include "dataplane/nat/tables.h"
#include "dataplane/packet/identification.h"
#include "dataplane/packet/interface.h"

namespace towpath::nat {

class Translator {
public:
    Translator(Tables& shared, WorkerId own, const Policy* first_policy,
               const InterfaceTable* first_interfaces)
        : tables{shared},
          worker{own},
          interfaces{first_interfaces},
          random{shared.keys().random_seed, own},
          mappings{shared, own, events, counters, random},
          sessions{shared, own, mappings, counters},
          identification{own, shared.capacity().workers, shared.keys().session_hash.second} {
        set_policy(first_policy);
    }
    void set_policy(const Policy* next) noexcept {
        policy = next;
        mappings.set_policy(*next);
        sessions.set_policy(*next);
        filter_change.on_policy(*next);
    }

    [[nodiscard]] Filtering filtering(Protocol protocol, Realm realm) const noexcept {
        if (realm != kOutsideRealm) {
            return Filtering::address_and_port_dependent;
        }
        switch (protocol) {
            case Protocol::tcp:
                return policy->tcp_filtering;
            case Protocol::udp:
                return policy->udp_filtering;
            case Protocol::icmp:
                break;
        }
        return policy->icmp_filtering;
    }
    // TCP always has sessions; the others where the filter asks for remotes.
    [[nodiscard]] bool tracks_remotes(Protocol protocol, Realm realm) const noexcept {
        return protocol == Protocol::tcp ||
               filtering(protocol, realm) != Filtering::endpoint_independent;
    }
    // The port under which a remote is remembered.
    [[nodiscard]] Port session_port(Protocol protocol, Realm realm, Port remote) const noexcept {
        const bool counts = protocol == Protocol::tcp ||
                            (protocol == Protocol::udp &&
                             filtering(protocol, realm) == Filtering::address_and_port_dependent);
        return counts ? remote : Port{};
    }

    Tables& tables;
    const WorkerId worker;
    const Policy* policy = nullptr;
    const InterfaceTable* interfaces;
    NatCounters counters;
    EventRing events;
    Random random;
    MappingStore mappings;
    SessionStore sessions;
    IdentificationSource identification;
    TokenBucket resets;
    IcmpErrorBudget icmp_errors;
    HeldSyns held_syns;
    FilterChange filter_change;
    std::uint32_t drains_seen = 0;
    bool drains_mappings = false;
    bool drains_sessions = false;
    // Of the stages, between their loops: here so that no burst has to clear them.
    std::array<OutboundCandidate, kBatchCapacity> outbound;
    std::array<InboundCandidate, kBatchCapacity> inbound;
};

}  // namespace towpath::nat
