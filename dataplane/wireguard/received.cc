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

// Whether the packet came from where the peer is to where it reaches us.
bool is_between(const Packet& packet, const PeerEndpoint& known) noexcept {
    if (packet.source_port != known.remote.port) {
        return false;
    }
    if (!has_outer_ipv4(packet)) {
        const auto& ip = packet.header<Ipv6Header>(packet.l3);
        return known.remote.address == ip.source && known.local == ip.destination;
    }
    const auto& ip = packet.header<Ipv4Header>(packet.l3);
    return known.remote.address.is_ipv4() && known.local.is_ipv4() &&
           known.remote.address.ipv4() == Ipv4Address{ip.source} &&
           known.local.ipv4() == Ipv4Address{ip.destination};
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
    } else if (session.is_renewal_due_on_receive(now_) && slots.current() == slot) {
        ask_to_renew(session);
    }
    if (has_data) {
        peer.unacknowledged_since.note(now_);
    }
}

void ReceivedTally::finish() noexcept {
    if (bytes_ != 0) {
        add_shared(state_.tables.peers()[peer_].received_bytes, bytes_, state_.is_alone);
        bytes_ = 0;
    }
}

// wireguard.md section 14.
void ReceivedTally::follow(PeerId id, Peer& peer, const Packet& packet) noexcept {
    // A look before the write: the record is what everybody who sends reads.
    PeerEndpoint known;
    peer.endpoint.read_into(known);
    if (is_between(packet, known)) {
        return;
    }
    const OuterAddresses addresses = outer_addresses(packet);
    if (state_.tables.learn_endpoint(id, addresses.source, addresses.local, now_)) {
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
    session.may_ask_on_receive =
        !state_.post(TunnelEventKind::handshake_wanted, session.peer, 0, now_);
}

}  // namespace towpath::wireguard
