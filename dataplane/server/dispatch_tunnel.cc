// SPDX-License-Identifier: BSD-3-Clause
// The dispatcher's answers to the messages about tunnels.
#include <algorithm>
#include <string>
#include <utility>

#include "dataplane/server/dispatch_context.h"
#include "dataplane/server/peers_transaction.h"

namespace towpath::server {

using namespace contract;

namespace {

// Per call of push(), so that a flood does not keep the server from its queries.
constexpr std::size_t kHandshakeBatchesPerPush = 4;
constexpr std::size_t kTunnelEventBatchesPerPush = 16;

}  // namespace

void Dispatcher::on(Context& context, const PeersBegin& message) {
    context.client.peers.emplace();
    context.client.peers->is_whole = message.is_whole != 0;
}

template <class PeerMessage>
void Dispatcher::on_peers(Context& context, const PeerMessage& message) {
    if (!is_started(context, PeerMessage::kType)) {
        return;
    }
    if (!context.client.peers) {
        context.refuse(PeerMessage::kType, "no transaction of peers was begun");
        return;
    }
    if (const Outcome<void> added = add(*context.client.peers, *start_, message); !added) {
        context.client.peers.reset();  // the commit is refused as well: half of it is not applied
        context.refuse(PeerMessage::kType, added.error().sentence);
    }
}

void Dispatcher::on(Context& context, const PeerSet& message) {
    on_peers(context, message);
}
void Dispatcher::on(Context& context, const PeerPrefixChunk& message) {
    on_peers(context, message);
}

void Dispatcher::on(Context& context, const PeersCommit& message) {
    if (!is_started(context, PeersCommit::kType)) {
        return;
    }
    auto transaction = std::exchange(context.client.peers, std::nullopt);
    if (!transaction || !transaction->progress.is_complete()) {
        context.refuse(PeersCommit::kType, "no whole transaction of peers precedes this commit");
        return;
    }
    Outcome<PeersApplied> applied = engine_.tunnels().apply_peers(*transaction);
    if (!applied) {
        context.refuse(PeersCommit::kType, applied.error().sentence);
        return;
    }
    applied->number = message.number;
    context.reply(*applied);
}

void Dispatcher::on(Context& context, const SessionInstall& message) {
    if (!is_started(context, SessionInstall::kType)) {
        return;
    }
    if (const Outcome<void> installed = engine_.tunnels().install_session(message); !installed) {
        context.refuse(SessionInstall::kType, installed.error().sentence);
        return;
    }
    SessionInstalled reply;
    reply.peer = message.peer;
    reply.index = message.index;
    context.reply(reply);
}

void Dispatcher::on(Context& context, const SessionsEnd& message) {
    if (is_started(context, SessionsEnd::kType)) {
        engine_.tunnels().end_sessions(message);
    }
}

void Dispatcher::on(Context& context, const HandshakeSend& message) {
    if (is_started(context, HandshakeSend::kType)) {
        engine_.tunnels().send_handshake(message);
    }
}

void Dispatcher::on(Context& context, const PeersQuery& message) {
    if (is_started(context, PeersQuery::kType)) {
        PeersReply reply;
        engine_.tunnels().peers(message.cursor, reply);
        context.reply(reply);
    }
}

void Dispatcher::on(Context& context, const SessionsQuery& message) {
    if (is_started(context, SessionsQuery::kType)) {
        SessionsReply reply;
        engine_.tunnels().sessions(message.cursor, reply);
        context.reply(reply);
    }
}

void Dispatcher::push_tunnels(const Send& send) {
    TunnelEngine& tunnels = engine_.tunnels();
    for (std::size_t batch = 0; batch < kTunnelEventBatchesPerPush; ++batch) {
        TunnelEvents events;
        events.count = static_cast<std::uint32_t>(tunnels.drain_tunnel_events(events.rows));
        if (events.count == 0) {
            break;
        }
        events.lost = tunnels.tunnel_events_lost();
        send(bytes_of(events));
    }
    for (std::size_t batch = 0; batch < kHandshakeBatchesPerPush; ++batch) {
        HandshakesReceived handshakes;
        handshakes.count = static_cast<std::uint32_t>(tunnels.drain_handshakes(handshakes.rows));
        if (handshakes.count == 0) {
            break;
        }
        handshakes.waiting = static_cast<std::uint32_t>(tunnels.handshakes_waiting());
        send(bytes_of(handshakes));
    }
}

}  // namespace towpath::server
