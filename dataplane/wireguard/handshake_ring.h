// SPDX-License-Identifier: BSD-3-Clause
// Handshake messages that passed the gate, on their way from a worker to the server thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/packet/interface.h"
#include "dataplane/packet/owner.h"
#include "dataplane/packet/spsc_ring.h"
#include "dataplane/wire/ip_address.h"
#include "dataplane/wire/now.h"
#include "dataplane/wire/wireguard.h"

namespace towpath::wireguard {

inline constexpr std::size_t kHandshakeLength_max_bytes = sizeof(Initiation);

struct ReceivedHandshake {
    InterfaceId tunnel = kNoInterface;
    WorkerId worker = 0;
    Now received_at{};
    IpEndpoint source;
    IpAddress local;  // the address of ours that it was sent to
    Port local_port;
    std::uint8_t length_bytes = 0;  // 148, 92 or 64, as its type says
    std::array<std::byte, kHandshakeLength_max_bytes> bytes{};

    [[nodiscard]] std::span<const std::byte> message() const noexcept {
        return std::span{bytes}.first(length_bytes);
    }
};

inline constexpr std::size_t kHandshakeRingEntries = 1024;
using HandshakeRing = SpscRing<ReceivedHandshake>;

}  // namespace towpath::wireguard
