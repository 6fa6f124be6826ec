// SPDX-License-Identifier: BSD-3-Clause
// A TunnelEngine without a data plane: remembers what it was asked and answers from members.
#pragma once

#include <algorithm>
#include <vector>

#include "dataplane/server/tunnel_engine.h"

namespace towpath::server {

class FakeTunnelEngine final : public TunnelEngine {
public:
    Outcome<contract::PeersApplied> apply_peers(const PeersTransaction& transaction) override {
        if (failure.exit_code != ExitCode::ok) {
            return tl::unexpected{failure};
        }
        transactions.push_back(transaction);
        contract::PeersApplied applied;
        applied.peers = static_cast<std::uint32_t>(transaction.changes.size());
        return applied;
    }
    Outcome<void> install_session(const contract::SessionInstall& session) override {
        if (failure.exit_code != ExitCode::ok) {
            return tl::unexpected{failure};
        }
        installed.push_back(session);
        return {};
    }
    void end_sessions(const contract::SessionsEnd& end) override { ended.push_back(end); }
    void send_handshake(const contract::HandshakeSend& handshake) override {
        sent.push_back(handshake);
    }
    void peers(std::uint64_t cursor, contract::PeersReply& reply) override {
        page(peer_rows, cursor, reply);
    }
    void sessions(std::uint64_t cursor, contract::SessionsReply& reply) override {
        page(session_rows, cursor, reply);
    }
    std::size_t drain_handshakes(std::span<contract::HandshakeRow> rows) override {
        return drain(handshakes, rows);
    }
    std::size_t handshakes_waiting() const override { return handshakes.size(); }
    std::size_t drain_tunnel_events(std::span<contract::TunnelEventRow> rows) override {
        return drain(events, rows);
    }
    std::uint64_t tunnel_events_lost() const override { return 0; }

    Failure failure{ExitCode::ok, {}};
    std::vector<PeersTransaction> transactions;
    std::vector<contract::SessionInstall> installed;
    std::vector<contract::SessionsEnd> ended;
    std::vector<contract::HandshakeSend> sent;
    std::vector<contract::HandshakeRow> handshakes;
    std::vector<contract::TunnelEventRow> events;
    std::vector<contract::PeerRow> peer_rows;
    std::vector<contract::SessionRow> session_rows;

private:
    // Two rows to a page.
    template <class Row, class Reply>
    static void page(const std::vector<Row>& rows, std::uint64_t cursor, Reply& reply) {
        while (reply.count < 2 && cursor < rows.size()) {
            reply.rows[reply.count++] = rows[cursor++];
        }
        reply.next_cursor = cursor < rows.size() ? cursor : 0;
    }
    template <class Row>
    static std::size_t drain(std::vector<Row>& from, std::span<Row> rows) {
        const std::size_t count = std::min(from.size(), rows.size());
        std::copy_n(from.begin(), count, rows.begin());
        from.erase(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(count));
        return count;
    }
};

}  // namespace towpath::server
