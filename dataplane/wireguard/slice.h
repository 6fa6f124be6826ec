// SPDX-License-Identifier: BSD-3-Clause
// What a worker does for its tunnels without a packet: injections of the server thread, timers of
// the peers at home here (wireguard.md section 15; decisions.md W5) and packets that wait for a
// session.
#pragma once

#include "dataplane/packet/batch.h"
#include "dataplane/wire/now.h"
#include "dataplane/wireguard/state.h"

namespace towpath::wireguard {

// Every peer of a worker is looked at this often.
inline constexpr Duration kTimerRound = std::chrono::milliseconds{250};

// Once per turn of the worker's loop, before the stages. Puts what it originates into
// Lane::underlay, released packets into Lane::seal or Lane::drop, as far as the batch has room
// beside a full burst and has spares.
void slice(State& state, Batch& batch, Now now) noexcept;

// Whether the server thread asked for something that slice() has not done yet: a worker must not
// sleep then.
[[nodiscard]] bool has_work(State& state) noexcept;

// At shutdown: packets that wait go to Lane::drop (staging_abandoned); call with empty batches
// until it returns false.
[[nodiscard]] bool discard(State& state, Batch& batch) noexcept;

}  // namespace towpath::wireguard
