// SPDX-License-Identifier: BSD-3-Clause
// What a handshake message has to pass before anybody computes with it (wireguard.md sections 5.1
// and 8.1; decisions.md W18): an identity that it can be for, the worker's budget, mac1, and room
// in the ring to the server thread. A cookie reply carries no mac1.
#pragma once

#include <span>

#include "dataplane/packet/batch.h"
#include "dataplane/wire/now.h"
#include "dataplane/wire/wireguard.h"
#include "dataplane/wireguard/state.h"

namespace towpath::wireguard {

// A packet of Lane::open -> absorb | drop. `payload` is a message of `type`, by length too.
void gate_handshake(State& state, Batch& batch, PacketIndex index, MessageType type,
                    std::span<const std::byte> payload, Now now) noexcept;

}  // namespace towpath::wireguard
