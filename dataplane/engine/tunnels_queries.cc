// SPDX-License-Identifier: BSD-3-Clause
// What the tunnels answer about peers and sessions.
#include <algorithm>
#include <chrono>

#include "dataplane/engine/tunnels.h"

namespace towpath::engine {

contract::PeerRow Tunnels::row_of(wireguard::PeerId id) {
    const wireguard::Peer& peer = tables_->peers()[id];
    const wireguard::PeerEndpoint endpoint = peer.endpoint.read();
    contract::PeerRow row;
    row.peer = id;
    row.tunnel = known_[id].tunnel;
    row.persistent_keepalive_s = static_cast<std::uint16_t>(
        std::chrono::duration_cast<std::chrono::seconds>(peer.keepalive_interval()).count());
    row.public_key = known_[id].public_key;
    row.timestamp = known_[id].timestamp;
    row.endpoint = contract::IpEndpointField::of(endpoint.remote);
    row.way = workers_.way(endpoint.remote.address);
    row.local = contract::IpAddressField::of(endpoint.local);
    row.endpoint_generation = endpoint.configured_generation;
    row.receive_bytes = peer.received_bytes.load(std::memory_order_relaxed);
    row.transmit_bytes = peer.sent_bytes.load(std::memory_order_relaxed);
    allowed_ips_of(known_[id].tunnel).for_each(id, [&row](const IpPrefix&) { ++row.allowed_ips; });
    return row;
}

void Tunnels::peers(std::uint64_t cursor, contract::PeersReply& reply) {
    std::size_t peer = cursor;
    for (; peer < known_.size() && reply.count < reply.rows.size(); ++peer) {
        if (known_[peer].exists) {
            reply.rows[reply.count++] = row_of(static_cast<wireguard::PeerId>(peer));
        }
    }
    reply.next_cursor = peer < known_.size() ? peer : 0;
}

contract::SessionRow Tunnels::row_of(const wireguard::Session& session, std::uint32_t slot) {
    const wireguard::PeerSlots slots = tables_->peers()[session.peer].slots.load();
    contract::SessionRow row;
    row.index = session.index();
    row.remote_index = session.remote_index;
    row.peer = session.peer;
    row.age_ms = static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(workers_.now() - session.birth)
            .count());
    row.is_initiator = session.is_initiator ? 1 : 0;
    row.worker = session.owner;
    row.may_send = session.may_send.load(std::memory_order_relaxed) ? 1 : 0;
    row.place = slots.current() == slot    ? contract::SessionPlace::current
                : slots.next() == slot     ? contract::SessionPlace::next
                : slots.previous() == slot ? contract::SessionPlace::previous
                                           : contract::SessionPlace::none;
    return row;
}

void Tunnels::sessions(std::uint64_t cursor, contract::SessionsReply& reply) {
    wireguard::SessionTable& sessions = tables_->sessions();
    auto slot = static_cast<std::uint32_t>(std::min<std::uint64_t>(cursor, sessions.capacity()));
    for (; slot < sessions.capacity() && reply.count < reply.rows.size(); ++slot) {
        if (sessions.is_live(slot)) {
            reply.rows[reply.count++] = row_of(sessions[slot], slot);
        }
    }
    reply.next_cursor = slot < sessions.capacity() ? slot : 0;
}

}  // namespace towpath::engine
