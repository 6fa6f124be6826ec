// SPDX-License-Identifier: BSD-3-Clause
// What has changed about a Device's peers, for the log: one of each change, never of a message.
#pragma once

#include <cstdint>
#include <optional>

#include "control/wireguard/action.h"
#include "control/wireguard/handshake_result.h"
#include "dataplane/crypto/curve.h"

namespace towpath::control::wireguard {

struct News {
    enum class Kind : std::uint8_t {
        up,          // for the first time, or after it was away or in trouble
        trouble,     // `status` says which
        stranger,    // who was not heard for five minutes; `status` does not count
        name_lost,   // its endpoint's name has no address
        name_found,  // now it has
    };
    Kind kind = Kind::up;
    PeerId peer = 0;  // not of a stranger
    PeerStatus status = PeerStatus::idle;
    HandshakeRole role = HandshakeRole::initiator;  // of us, with `up`
    std::optional<Duration> away;                   // with `up`: since the handshake before
    IpEndpoint source;                              // with `up` and of a stranger
    std::optional<crypto::PublicKey> key;           // of a stranger, unless its mac1 was wrong
};

}  // namespace towpath::control::wireguard
