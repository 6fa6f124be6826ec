// SPDX-License-Identifier: BSD-3-Clause
// A data plane that was started without tunnels: it knows no peer and refuses to learn one.
#pragma once

#include "dataplane/server/tunnel_engine.h"

namespace towpath::engine {

class NoTunnels final : public server::TunnelEngine {
public:
    [[nodiscard]] Outcome<contract::PeersApplied> apply_peers(
        const server::PeersTransaction& transaction) override {
        if (transaction.changes.empty()) {
            return contract::PeersApplied{};
        }
        return tl::unexpected{refusal()};
    }
    [[nodiscard]] Outcome<void> install_session(const contract::SessionInstall&) override {
        return tl::unexpected{refusal()};
    }
    void end_sessions(const contract::SessionsEnd&) override {}
    void send_handshake(const contract::HandshakeSend&) override {}
    void peers(std::uint64_t, contract::PeersReply&) override {}
    void sessions(std::uint64_t, contract::SessionsReply&) override {}
    [[nodiscard]] std::size_t drain_handshakes(std::span<contract::HandshakeRow>) override {
        return 0;
    }
    [[nodiscard]] std::size_t handshakes_waiting() const override { return 0; }
    [[nodiscard]] std::size_t drain_tunnel_events(std::span<contract::TunnelEventRow>) override {
        return 0;
    }
    [[nodiscard]] std::uint64_t tunnel_events_lost() const override { return 0; }

private:
    [[nodiscard]] static Failure refusal() {
        return {ExitCode::refused, "the data plane was started without tunnels: restart needed"};
    }
};

}  // namespace towpath::engine
