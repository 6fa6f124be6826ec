// SPDX-License-Identifier: BSD-3-Clause
// The timers of peers that run in the data path, so that a tunnel stays up while control is away
// (wireguard.md section 15; decisions.md W5): passive and persistent keepalive, no answer, and the
// end of expired sessions. Nothing is armed or cancelled: stamps are compared when it is their
// peer's turn.
#pragma once

#include <array>

#include "dataplane/packet/batch.h"
#include "dataplane/wire/now.h"
#include "dataplane/wireguard/sealing.h"
#include "dataplane/wireguard/state.h"

namespace towpath::wireguard {

// One visit to some of this worker's peers.
class PeerTimers {
public:
    PeerTimers(State& state, Batch& batch, Now now) noexcept
        : state_{state}, batch_{batch}, sealing_{state, batch, now}, now_{now} {}

    // False: a keepalive is due and there is no buffer for it. The peer's turn is still to come.
    [[nodiscard]] bool visit(PeerId peer) noexcept;
    // Sends what was found due.
    void finish() noexcept;

private:
    void end_expired(Peer& peer) noexcept;
    void report_no_answer(PeerId id, Peer& peer) noexcept;
    [[nodiscard]] bool is_keepalive_due(const Peer& peer) const noexcept;
    [[nodiscard]] bool send_keepalive(PeerId id, Peer& peer) noexcept;

    State& state_;
    Batch& batch_;
    Sealing sealing_;
    Now now_;
    // Those whose passive keepalive begins anew once this one has been sent.
    std::array<PeerId, kSparesMax> again_;
    std::size_t again_count_ = 0;
};

}  // namespace towpath::wireguard
