// SPDX-License-Identifier: BSD-3-Clause
// What the server thread asks of a worker: handshake messages to send, and what to do with packets
// that wait for a session.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/packet/interface.h"
#include "dataplane/packet/spsc_ring.h"
#include "dataplane/wire/ip_address.h"
#include "dataplane/wireguard/capacity.h"
#include "dataplane/wireguard/handshake_ring.h"

namespace towpath::wireguard {

enum class InjectionKind : std::uint8_t {
    send_to_peer,      // initiation or response: to the peer's endpoint; counts as sent (15.1)
    send_to_endpoint,  // cookie reply: to `to` from `from`, an event for nobody
    flush,    // to the home worker: there is a session; what waits goes out, else a keepalive
    abandon,  // to the home worker: there will be none; what waits is dropped
};

struct Injection {
    InjectionKind kind = InjectionKind::send_to_peer;
    PeerId peer = kNoPeer;
    InterfaceId tunnel = kNoInterface;
    IpEndpoint to{};                // of send_to_endpoint
    IpAddress from{};               // likewise; none: as the route below chooses
    std::uint8_t dscp_and_ecn = 0;  // 0x88 for initiations and responses (wireguard.md 2.5)
    std::uint8_t length_bytes = 0;
    std::array<std::byte, kHandshakeLength_max_bytes> bytes{};
};

inline constexpr std::size_t kInjectionRingEntries = 1024;
using InjectionRing = SpscRing<Injection>;

}  // namespace towpath::wireguard
