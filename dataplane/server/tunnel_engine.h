// SPDX-License-Identifier: BSD-3-Clause
// What the contract server asks of the tunnels of the data plane behind it. As with Engine, calls
// are made on the server's thread, return within a bounded time, and come after a successful start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/contract/tunnel.h"
#include "dataplane/wire/result.h"

namespace towpath::server {

// One peer of a transaction, with all its allowed IPs.
struct PeerChange {
    contract::PeerSet set;
    std::vector<IpPrefix> allowed_ips;
};
struct PeersTransaction {
    bool is_whole = false;
    std::vector<PeerChange> changes;  // in the order in which they were stated
};

class TunnelEngine {
public:
    TunnelEngine() = default;
    TunnelEngine(const TunnelEngine&) = delete;
    TunnelEngine& operator=(const TunnelEngine&) = delete;
    virtual ~TunnelEngine() = default;

    // All or nothing. Fails with a sentence when there is no room for its peers or prefixes.
    [[nodiscard]] virtual Outcome<contract::PeersApplied> apply_peers(
        const PeersTransaction& transaction) = 0;
    // Refused: an unknown peer, a known index, a slot that is still in use, an empty pool.
    [[nodiscard]] virtual Outcome<void> install_session(
        const contract::SessionInstall& session) = 0;
    virtual void end_sessions(const contract::SessionsEnd& end) = 0;
    virtual void send_handshake(const contract::HandshakeSend& handshake) = 0;

    // Fill next_cursor, count and rows.
    virtual void peers(std::uint64_t cursor, contract::PeersReply& reply) = 0;
    virtual void sessions(std::uint64_t cursor, contract::SessionsReply& reply) = 0;

    // Take what workers have for control, oldest first per worker; how much.
    [[nodiscard]] virtual std::size_t drain_handshakes(std::span<contract::HandshakeRow> rows) = 0;
    // How many handshake messages still wait.
    [[nodiscard]] virtual std::size_t handshakes_waiting() const = 0;
    [[nodiscard]] virtual std::size_t drain_tunnel_events(
        std::span<contract::TunnelEventRow> rows) = 0;
    // Events that found their ring full, since start.
    [[nodiscard]] virtual std::uint64_t tunnel_events_lost() const = 0;
};

}  // namespace towpath::server
