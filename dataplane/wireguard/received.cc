// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/received.h"

#include "dataplane/wireguard/waiting.h"

namespace towpath::wireguard {
namespace {

// Both addresses of an outer IPv4 header as one number; 0 of IPv6.
std::uint64_t ipv4_pair_of(const Packet& packet) noexcept {
    if (!has_outer_ipv4(packet)) {
        return 0;
    }
    const auto& ip = packet.header<Ipv4Header>(packet.l3);
    return std::uint64_t{ip.source.raw()} << 32U | ip.destination.raw();
}

}  // namespace

void ReceivedTally::take(Session& session, const Packet& packet, bool has_data) noexcept {
    Peer& peer = state_.tables.peers()[session.peer];
    const bool is_same_peer = session.peer == peer_;
    if (!is_same_peer) {
        finish();
        peer_ = session.peer;
        peer.received_at.set(now_);
        peer.unanswered_since.clear();
    }
    // Most packets of a burst come from where the one before came from.
    const std::uint64_t pair = ipv4_pair_of(packet);
    if (!is_same_peer || pair == 0 || pair != ipv4_pair_ || packet.source_port != source_port_) {
        ipv4_pair_ = pair;
        source_port_ = packet.source_port;
        follow(session.peer, peer, packet);
    }
    const PeerSlots slots = peer.slots.load();
    const std::uint32_t slot = state_.tables.sessions().slot_of(session);
    if (slots.next() == slot) {
        promote(session, peer);
    } else if (session.owes_confirmation) {
        tell_confirmation(session);
    } else if (now_ >= session.receive_rekey_from && slots.current() == slot) {
        ask_to_renew(session);
    }
    if (!has_data) {
        return;
    }
    if (!peer.unacknowledged_since.is_set()) {
        peer.unacknowledged_since.set(now_);
    } else if (!peer.has_more_unacknowledged.load(std::memory_order_relaxed)) {
        peer.has_more_unacknowledged.store(true, std::memory_order_relaxed);
    }
}

void ReceivedTally::finish() noexcept {
    if (bytes_ != 0) {
        state_.tables.peers()[peer_].received_bytes.fetch_add(bytes_, std::memory_order_relaxed);
        bytes_ = 0;
    }
}

// wireguard.md section 14.
void ReceivedTally::follow(PeerId id, Peer& peer, const Packet& packet) noexcept {
    const OuterAddresses addresses = outer_addresses(packet);
    // A look before the write: the record is what everybody who sends reads.
    const PeerEndpoint known = peer.endpoint.read();
    if ((known.remote != addresses.source || known.local != addresses.local) &&
        state_.tables.learn_endpoint(id, addresses.source, addresses.local, now_)) {
        state_.counters.endpoints_moved.add();
    }
}

// wireguard.md section 9: the peer has shown that it has the keys.
void ReceivedTally::promote(Session& session, Peer& peer) noexcept {
    SessionTable& sessions = state_.tables.sessions();
    const std::uint32_t slot = sessions.slot_of(session);
    const PeerSlots before = peer.slots.change(
        [slot](PeerSlots slots) { return slots.next() == slot ? slots.promoted() : slots; });
    if (before.next() != slot) {
        return;  // the server thread was faster with a newer session
    }
    state_.counters.sessions_confirmed.add();
    tell_confirmation(session);
    if (before.previous() != PeerSlots::kNone) {
        end_session(state_, before.previous(), now_);
    }
    // On another worker the slice finds them.
    if (state_.tables.peers().home_of(session.peer) == state_.worker) {
        release_waiting(state_, batch_, session.peer, 0);
    }
}

void ReceivedTally::tell_confirmation(Session& session) noexcept {
    session.owes_confirmation =
        !state_.post(TunnelEventKind::session_confirmed, session.peer, session.index(), now_);
}

void ReceivedTally::ask_to_renew(Session& session) noexcept {
    if (!session.has_asked_on_receive &&
        state_.post(TunnelEventKind::handshake_wanted, session.peer, 0, now_)) {
        session.has_asked_on_receive = true;
    }
}

}  // namespace towpath::wireguard
