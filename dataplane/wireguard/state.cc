// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/state.h"

#include <utility>

namespace towpath::wireguard {
namespace {

const InterfaceTable kNoInterfaces;
const TunnelTable kNoTunnels;

constexpr Duration kAskEvery = std::chrono::seconds{1};

}  // namespace

State::State(Tables& shared, WorkerId its_worker, crypto::Aead its_aead,
             IdentificationSource& its_identification, Counter& its_released)
    : tables{shared},
      interfaces{&kNoInterfaces},
      tunnels{&kNoTunnels},
      aead{std::move(its_aead)},
      staging{shared.peers(), shared.capacity().staged_packets_per_worker},
      seal_scratch{std::make_unique<SealScratch>()},
      open_scratch{std::make_unique<OpenScratch>()},
      identification{its_identification},
      released{its_released},
      worker{its_worker},
      is_alone{shared.capacity().workers == 1} {}

bool State::post(TunnelEventKind kind, PeerId peer, std::uint32_t index, Now now) noexcept {
    const TunnelEvent event{kind, peer, index, now};
    const bool is_posted = tables.events(worker).push({&event, 1}) == 1;
    if (!is_posted) {
        counters.events_lost.add();
    }
    return is_posted;
}

void State::ask_for_handshake(PeerId peer, Now now) noexcept {
    Stamp& asked_at = tables.peers().waiting(peer).asked_at;
    if (asked_at.is_set() && now - asked_at.at() < kAskEvery) {
        return;
    }
    if (post(TunnelEventKind::handshake_wanted, peer, 0, now)) {
        asked_at.set(now);
    } else {
        asked_at.clear();  // the slice asks again while packets wait
    }
}

}  // namespace towpath::wireguard
