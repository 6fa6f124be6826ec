// SPDX-License-Identifier: BSD-3-Clause
// One worker's part of the tunnels: what the stages open, seal and the slice work with. Not what
// workers share (tables.h). Nothing here allocates after construction.
#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/crypto/aead.h"
#include "dataplane/packet/batch.h"
#include "dataplane/packet/counters.h"
#include "dataplane/packet/identification.h"
#include "dataplane/packet/interface.h"
#include "dataplane/wireguard/handshake_budget.h"
#include "dataplane/wireguard/open_scratch.h"
#include "dataplane/wireguard/seal_scratch.h"
#include "dataplane/wireguard/staging.h"
#include "dataplane/wireguard/tables.h"
#include "dataplane/wireguard/tunnel.h"

namespace towpath::wireguard {

// What is no drop and no lane. Written by the worker, read by anyone.
struct WireguardCounters {
    Counter events_lost;  // the ring to the server thread was full; they come again
    Counter keepalives_received;
    Counter keepalives_sent;
    Counter endpoints_moved;
    Counter sessions_confirmed;
};

struct State {
    // worker < tables.capacity().workers. `tables` and the others outlive the state. `released` is
    // PipelineCounters::released: packets that come back from Lane::hold.
    State(Tables& shared, WorkerId its_worker, crypto::Aead its_aead,
          IdentificationSource& its_identification, Counter& its_released);

    // By the worker, before the first burst and when it takes up another generation; both outlive
    // the use that the next call ends.
    void set_interfaces(const InterfaceTable* its_interfaces,
                        const TunnelTable* its_tunnels) noexcept {
        interfaces = its_interfaces;
        tunnels = its_tunnels;
    }

    // False: the ring is full, and the event is counted as lost.
    bool post(TunnelEventKind kind, PeerId peer, std::uint32_t index, Now now) noexcept;
    // Asks for a handshake with the peer, once a second at most: control keeps the 5 s between two
    // initiations (wireguard.md 8.4).
    void ask_for_handshake(PeerId peer, Now now) noexcept;

    Tables& tables;
    const InterfaceTable* interfaces;  // empty ones before set_interfaces()
    const TunnelTable* tunnels;
    crypto::Aead aead;
    Staging staging;
    HandshakeBudget budget;
    std::unique_ptr<SealScratch> seal_scratch;  // Sealing's
    std::unique_ptr<OpenScratch> open_scratch;  // open_stage's
    IdentificationSource& identification;       // this worker's, shared with its NAT
    Counter& released;
    WireguardCounters counters;
    WorkerId worker;
    bool is_alone;        // no other worker seals or opens
    Stamp bad_mac1_told;  // the gate's: when it last was
    // The slice's.
    Now swept_at{};
    std::uint32_t sweep_round = 0;     // next peer of this worker to look at, by its number here
    std::uint32_t waiting_cursor = 0;  // next peer that waits to look at
};

}  // namespace towpath::wireguard
