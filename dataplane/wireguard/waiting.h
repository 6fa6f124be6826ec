// SPDX-License-Identifier: BSD-3-Clause
// Packets without a session to seal them, and sessions that nobody needs any more (wireguard.md
// sections 9 and 10 step 5; decisions.md W7).
#pragma once

#include <cstdint>

#include "dataplane/packet/batch.h"
#include "dataplane/wire/now.h"
#include "dataplane/wireguard/state.h"

namespace towpath::wireguard {

// The session that seals for the peer now, or null.
[[nodiscard]] Session* usable_session(State& state, const Peer& peer, Now now) noexcept;

// A packet of Lane::seal -> hold | hand_off | drop: waits at the peer's home worker, which asks for
// a handshake.
void wait_for_session(State& state, Batch& batch, PacketIndex index, PeerId peer, Now now) noexcept;

// On the home worker: packets that wait go to Lane::seal, oldest first, while the batch has more
// than `room_kept` places.
void release_waiting(State& state, Batch& batch, PeerId peer, std::size_t room_kept) noexcept;
// Likewise to Lane::drop, as staging_abandoned.
void abandon_waiting(State& state, Batch& batch, PeerId peer, std::size_t room_kept) noexcept;

// `slot` is out of its peer's slots: tells the server thread, which retires it.
void end_session(State& state, std::uint32_t slot, Now now) noexcept;

}  // namespace towpath::wireguard
