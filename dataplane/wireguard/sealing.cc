// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/sealing.h"

#include <cstring>

#include "dataplane/wire/wireguard.h"
#include "dataplane/wireguard/inner_mss.h"
#include "dataplane/wireguard/inner_packet.h"
#include "dataplane/wireguard/path_mtu.h"
#include "dataplane/wireguard/unreachable.h"
#include "dataplane/wireguard/waiting.h"

namespace towpath::wireguard {
namespace {

// In front of the inner packet and behind it, padding included.
constexpr std::size_t kFrontRoom_bytes = kOuterRoom_bytes + sizeof(TransportHeader);

}  // namespace

void Sealing::add(PacketIndex index, PeerId peer) noexcept {
    const std::uint8_t lease = lease_for(index, peer);
    if (lease == kNoLease) {
        return;
    }
    if (scratch_.leases[lease].path.endpoint.path_mtu_bytes != 0 &&
        !fits_path(index, static_cast<std::uint16_t>(scratch_.leases[lease].mtu_bytes))) {
        return;
    }
    ++scratch_.leases[lease].packets;
    scratch_.items[count_++] = {index, lease, 0};
}

// False: the packet went elsewhere. What was made here, or cut already, goes as it is: the MTU may
// fall at any time, and nothing is to come back twice.
bool Sealing::fits_path(PacketIndex index, std::uint16_t mtu_bytes) noexcept {
    const Packet& packet = batch_[index];
    if (!packet.is_originated && std::size_t{packet.length} - packet.l3 > mtu_bytes) {
        refuse_too_long(batch_, index, mtu_bytes);
        return false;
    }
    lower_inner_mss(packet.bytes().subspan(packet.l3), mtu_bytes);
    return true;
}

std::uint8_t Sealing::lease_for(PacketIndex index, PeerId peer) noexcept {
    std::uint8_t& recent = scratch_.recent[peer % scratch_.recent.size()];
    if (recent != 0 && scratch_.leases[recent - 1U].peer_id == peer) {
        return static_cast<std::uint8_t>(recent - 1U);
    }
    const std::uint8_t lease = open_lease(index, peer);
    if (lease != kNoLease) {
        recent = static_cast<std::uint8_t>(lease + 1U);
    }
    return lease;
}

// kNoLease: the packet went elsewhere.
std::uint8_t Sealing::open_lease(PacketIndex index, PeerId peer_id) noexcept {
    Peer& peer = state_.tables.peers()[peer_id];
    Lease& lease = scratch_.leases[lease_count_];
    PeerEndpoint& endpoint = lease.path.endpoint;
    peer.endpoint.read_into(endpoint);
    if (!peer.is_in_use()) {
        batch_.drop(index, DropReason::staging_abandoned);
        return kNoLease;
    }
    const InterfaceId tunnel = peer.tunnel();
    if (!(*state_.interfaces)[tunnel].is_up) {
        batch_.drop(index, DropReason::tunnel_down);
        return kNoLease;
    }
    if (!endpoint.is_known()) {
        reject_unreachable(batch_, index, DropReason::seal_no_endpoint);
        return kNoLease;
    }
    Session* const session = usable_session(state_, peer, now_);
    if (session == nullptr) {
        wait_for_session(state_, batch_, index, peer_id, now_);
        return kNoLease;
    }
    lease.session = session;
    lease.peer = &peer;
    lease.peer_id = peer_id;
    lease.packets = 0;
    lease.sent_bytes = 0;
    lease.mtu_bytes =
        inner_mtu_bytes((*state_.interfaces)[tunnel].mtu_bytes, endpoint.path_mtu_bytes);
    lease.has_data = false;
    lease.path.tunnel = tunnel;
    lease.path.local_port = (*state_.tunnels)[tunnel].listen_port;
    return static_cast<std::uint8_t>(lease_count_++);
}

void Sealing::finish() noexcept {
    take_counters();
    prepare();
    state_.aead.seal_batch(std::span{scratch_.crypto}.first(count_));
    for (std::size_t position = 0; position < count_; ++position) {
        const Item& item = scratch_.items[position];
        Lease& lease = scratch_.leases[item.lease];
        wrap(batch_[item.packet], lease.path, item.outer_ecn, state_.identification);
        batch_.put(item.packet, Lane::underlay);
    }
    for (std::size_t lease = 0; lease < lease_count_; ++lease) {
        note_sent(scratch_.leases[lease]);
    }
    count_ = 0;
    lease_count_ = 0;
    scratch_.recent.fill(0);
}

// The one place where counters of sending come from: a number is given once, also if it is then not
// used (wireguard.md section 22 rule 1).
void Sealing::take_counters() noexcept {
    for (std::size_t position = 0; position < lease_count_; ++position) {
        Lease& lease = scratch_.leases[position];
        lease.next_counter =
            add_shared(lease.session->next_counter, lease.packets, state_.is_alone);
    }
}

void Sealing::prepare() noexcept {
    std::size_t kept = 0;
    for (std::size_t position = 0; position < count_; ++position) {
        Item item = scratch_.items[position];
        Lease& lease = scratch_.leases[item.lease];
        const std::uint64_t counter = lease.next_counter++;
        if (counter >= kRejectAfterMessages) {
            lease.session->may_send.store(false, std::memory_order_relaxed);
            wait_for_session(state_, batch_, item.packet, lease.peer_id, now_);
            continue;
        }
        if (!write_message(item, lease)) {
            batch_.drop(item.packet, DropReason::seal_no_room);
            continue;
        }
        Packet& packet = batch_[item.packet];
        header_at<TransportHeader>(packet.bytes(), 0)->counter = le64{counter};
        scratch_.crypto[kept] = {
            packet.data() + sizeof(TransportHeader), &lease.session->send_key, counter,
            static_cast<std::uint32_t>(packet.length - kTransportLength_min_bytes)};
        scratch_.items[kept++] = item;
    }
    count_ = kept;
}

// The window becomes the UDP payload, all but the counter and what is sealed.
bool Sealing::write_message(Item& item, Lease& lease) noexcept {
    Packet& packet = batch_[item.packet];
    const std::size_t inner_bytes = std::size_t{packet.length} - packet.l3;
    const std::size_t pad_bytes = padding_bytes(inner_bytes, lease.mtu_bytes);
    if (packet.head_room() + packet.l3 < kFrontRoom_bytes ||
        packet.tail_room() < pad_bytes + kTagLength_bytes ||
        inner_bytes + pad_bytes > crypto::kAeadLength_max) {
        return false;
    }
    std::byte* const inner = packet.data() + packet.l3;
    if (inner_bytes != 0) {
        lease.has_data = true;
        item.outer_ecn = static_cast<std::uint8_t>(InnerPacket{{inner, inner_bytes}}.ecn());
        // Padding is less than 16 bytes, and there is room for a tag behind it: one store, where
        // memset() of a few bytes asks for the line behind them, too.
        static_assert(kTagLength_bytes == 16);
        std::memset(inner + inner_bytes, 0, kTagLength_bytes);
    }
    packet.head = static_cast<std::uint16_t>(packet.head + packet.l3 -
                                             std::ptrdiff_t{sizeof(TransportHeader)});
    packet.length =
        static_cast<std::uint16_t>(inner_bytes + pad_bytes + kTransportLength_min_bytes);
    auto& header = *header_at<TransportHeader>(packet.bytes(), 0);
    header.type = type_word(MessageType::transport_data);
    header.receiver_index = le32{lease.session->remote_index};
    lease.sent_bytes += packet.length;
    return true;
}

// wireguard.md section 10 steps 8 and 9, 15.1.
void Sealing::note_sent(Lease& lease) noexcept {
    if (lease.sent_bytes == 0) {
        return;
    }
    Peer& peer = *lease.peer;
    peer.sent_at.set(now_);
    peer.unacknowledged_since.clear();
    if (lease.has_data) {
        peer.unanswered_since.set_if_clear(now_);
    }
    add_shared(peer.sent_bytes, lease.sent_bytes, state_.is_alone);
    if (lease.next_counter > kRekeyAfterMessages || lease.session->is_renewal_due(now_)) {
        state_.ask_for_handshake(lease.peer_id, now_);
    }
}

}  // namespace towpath::wireguard
