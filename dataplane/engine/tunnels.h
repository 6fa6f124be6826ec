// SPDX-License-Identifier: BSD-3-Clause
// The tunnels of the data plane as the contract sees them: peers, their allowed IPs, sessions, and
// what goes between workers and control. On the server's thread only; workers see what it publishes
// in the tables.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "dataplane/server/tunnel_engine.h"
#include "dataplane/wireguard/allowed_ips.h"
#include "dataplane/wireguard/tables.h"
#include "dataplane/wireguard/zeroed_array.h"
#include "dataplane/worker/server_bell.h"

namespace towpath::engine {

// What the workers offer; set once they exist.
struct TunnelWorkers {
    std::function<Now()> now;
    std::function<void(WorkerId)> wake;
    std::function<contract::EndpointWay(const IpAddress& endpoint)> way;
};

class Tunnels final : public server::TunnelEngine {
public:
    // `start` names at least one tunnel. Fails with no_memory or usage. `quiescence` and `bell`
    // outlive the tunnels.
    [[nodiscard]] static Outcome<std::unique_ptr<Tunnels>> create(
        const contract::StartSettings& start, const wireguard::Capacity& capacity,
        wireguard::TableKeys keys, Quiescence& quiescence, worker::ServerBell& bell);

    [[nodiscard]] wireguard::Tables& tables() noexcept { return *tables_; }
    // By interface id; null where there is no tunnel.
    [[nodiscard]] std::array<const wireguard::AllowedIps*, kInterfacesMax> allowed_ips() const;
    void set_workers(TunnelWorkers workers) { workers_ = std::move(workers); }

    [[nodiscard]] Outcome<contract::PeersApplied> apply_peers(
        const server::PeersTransaction& transaction) override;
    [[nodiscard]] Outcome<void> install_session(const contract::SessionInstall& session) override;
    void end_sessions(const contract::SessionsEnd& end) override;
    void send_handshake(const contract::HandshakeSend& handshake) override;
    void peers(std::uint64_t cursor, contract::PeersReply& reply) override;
    void sessions(std::uint64_t cursor, contract::SessionsReply& reply) override;
    [[nodiscard]] std::size_t drain_handshakes(std::span<contract::HandshakeRow> rows) override;
    [[nodiscard]] std::size_t handshakes_waiting() const override;
    [[nodiscard]] std::size_t drain_tunnel_events(
        std::span<contract::TunnelEventRow> rows) override;
    [[nodiscard]] std::uint64_t tunnel_events_lost() const override { return 0; }

private:
    // What the data path does not need to know of a peer.
    struct Known {
        contract::PublicKeyField public_key{};
        contract::TimestampField timestamp{};  // greatest received (decisions.md W20)
        std::uint8_t tunnel = 0;
        bool exists = false;
    };

    Tunnels(const contract::StartSettings& start, std::unique_ptr<wireguard::Tables> tables,
            Quiescence& quiescence, worker::ServerBell& bell);
    [[nodiscard]] wireguard::AllowedIps& allowed_ips_of(std::uint8_t tunnel) {
        return *allowed_ips_[tunnel - first_id_];
    }
    [[nodiscard]] Outcome<void> check_room(const server::PeersTransaction& transaction) const;
    void forget(wireguard::PeerId peer);
    void forget_unstated(const server::PeersTransaction& transaction);
    void configure(const contract::PeerSet& set);
    void drop_prefixes_besides(const server::PeerChange& change);
    void inject(WorkerId worker, const wireguard::Injection& injection);
    [[nodiscard]] wireguard::Injection injection_of(const contract::SessionInstall& session) const;
    [[nodiscard]] contract::PeerRow row_of(wireguard::PeerId peer);
    [[nodiscard]] contract::SessionRow row_of(const wireguard::Session& session,
                                              std::uint32_t slot);

    std::unique_ptr<wireguard::Tables> tables_;
    worker::ServerBell& bell_;
    TunnelWorkers workers_;
    std::uint8_t first_id_;
    std::vector<std::unique_ptr<wireguard::AllowedIps>> allowed_ips_;  // by position
    wireguard::ZeroedArray<Known> known_;                              // by peer
    std::uint32_t prefixes_max_;
};

}  // namespace towpath::engine
