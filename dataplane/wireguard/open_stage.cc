// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/open_stage.h"

#include <algorithm>
#include <span>

#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/wireguard.h"
#include "dataplane/wireguard/datagram.h"
#include "dataplane/wireguard/handshake_gate.h"
#include "dataplane/wireguard/inner_mss.h"
#include "dataplane/wireguard/path_mtu.h"
#include "dataplane/wireguard/prefetch_payload.h"
#include "dataplane/wireguard/received.h"
#include "dataplane/wireguard/same_buffer.h"

namespace towpath::wireguard {
namespace {

using Candidate = OpenScratch::Candidate;

// One group of at most crypto::kAeadBatchMax packets, in passes, so that what one needs from memory
// is on its way while the others are looked at.
class Opening {
public:
    Opening(State& state, Batch& batch, Now now) noexcept
        : state_{state},
          batch_{batch},
          sessions_{state.tables.sessions()},
          now_{now},
          candidates_{state.open_scratch->candidates},
          crypto_{state.open_scratch->crypto} {}

    // First pass: which message this is; where its session would be.
    void take(PacketIndex index) noexcept {
        if (batch_[index].transport == TransportKind::icmp_error) {
            take_too_big(state_, batch_, index, now_);
            return;
        }
        const auto payload = udp_payload(batch_[index]);
        const auto type = payload ? classify(*payload) : std::nullopt;
        if (!type || payload->size() > crypto::kAeadLength_max) {
            batch_.drop(index, DropReason::tunnel_malformed);
        } else if (*type != MessageType::transport_data) {
            gate_handshake(state_, batch_, index, *type, *payload, now_);
        } else {
            take_data(index, *payload);
        }
    }

    // Second pass: whose it is.
    void find_sessions() noexcept {
        for (std::size_t position = 0; position < count_; ++position) {
            Candidate& candidate = candidates_[position];
            candidate.session = sessions_.find(candidate.slot, candidate.index_here);
            if (candidate.session != nullptr) {
                state_.tables.peers().prefetch(candidate.session->peer);
                candidate.session->replay.prefetch(candidate.counter);
            }
        }
    }

    // Third pass: which of them may be opened.
    void check_sessions() noexcept {
        std::size_t kept = 0;
        for (std::size_t position = 0; position < count_; ++position) {
            Candidate& candidate = candidates_[position];
            const PacketIndex index = candidate.packet;
            if (candidate.session == nullptr) {
                batch_.drop(index, DropReason::tunnel_unknown_index);
            } else if (candidate.session->owner != state_.worker) {
                batch_.hand_off(index, candidate.session->owner, Lane::open);
            } else if (const DropReason refusal = check(candidate); refusal != DropReason::none) {
                batch_.drop(index, refusal);
            } else {
                crypto_[kept] = {candidate.data, &candidate.session->receive_key, candidate.counter,
                                 candidate.length_bytes};
                if (kept != position) {
                    candidates_[kept] = candidate;
                }
                ++kept;
            }
        }
        count_ = kept;
    }

    // Last passes: what is authentic counts, in order of arrival.
    void commit() noexcept {
        const std::span<bool> is_authentic =
            std::span{state_.open_scratch->is_authentic}.first(count_);
        // Nothing of the burst before may vouch for this one, whatever the cipher writes.
        std::fill(is_authentic.begin(), is_authentic.end(), false);
        state_.aead.open_batch(crypto_.first(count_), is_authentic);
        find_owners(is_authentic);
        ReceivedTally tally{state_, batch_, now_};
        for (std::size_t position = 0; position < count_; ++position) {
            const Candidate& candidate = candidates_[position];
            if (!is_authentic[position]) {
                batch_.drop(candidate.packet, DropReason::tunnel_bad_tag);
            } else if (!candidate.session->replay.accept(candidate.counter)) {
                batch_.drop(candidate.packet, DropReason::tunnel_replay);
            } else {
                tally.take(*candidate.session, batch_[candidate.packet],
                           candidate.length_bytes != 0);
                deliver(candidate, tally);
            }
        }
        tally.finish();
    }

private:
    void take_data(PacketIndex index, std::span<std::byte> payload) noexcept {
        const auto& header = *header_at<TransportHeader>(payload, 0);
        Candidate& candidate = candidates_[count_++];
        candidate.owner = kNoPeer;
        candidate.packet = index;
        candidate.index_here = header.receiver_index.host();
        candidate.counter = header.counter.host();
        candidate.slot = sessions_.slot_of(candidate.index_here);
        candidate.data = payload.data() + sizeof(TransportHeader);
        candidate.length_bytes =
            static_cast<std::uint16_t>(payload.size() - kTransportLength_min_bytes);
        sessions_.prefetch_to_receive(candidate.slot);
    }

    // wireguard.md section 11 step 4, and the replay test that spares crypto on duplicates.
    [[nodiscard]] DropReason check(const Candidate& candidate) const noexcept {
        Session& session = *candidate.session;
        const Peer& peer = state_.tables.peers()[session.peer];
        peer.endpoint.prefetch();
        const InterfaceId tunnel = peer.tunnel();
        if (!peer.is_in_use() ||
            (*state_.tunnels)[tunnel].listen_port != batch_[candidate.packet].destination_port) {
            return DropReason::tunnel_unknown_index;
        }
        if (!(*state_.interfaces)[tunnel].is_up) {
            return DropReason::tunnel_down;
        }
        if (now_ >= session.receive_until || !session.may_receive.load(std::memory_order_relaxed)) {
            session.may_receive.store(false, std::memory_order_relaxed);
            return DropReason::tunnel_session_expired;
        }
        if (candidate.counter >= kRejectAfterMessages) {
            return DropReason::tunnel_counter_exhausted;
        }
        return session.replay.would_accept(candidate.counter) ? DropReason::none
                                                              : DropReason::tunnel_replay;
    }

    // Whose the inner sources are (step 15), asked for all at once. kNoPeer of what is no packet.
    void find_owners(std::span<const bool> is_authentic) noexcept {
        // The address of the one before, in the same session, has the same owner.
        const Candidate* last = nullptr;
        for (std::size_t position = 0; position < count_; ++position) {
            Candidate& candidate = candidates_[position];
            const InnerPacket inner = inner_of(candidate);
            candidate.has_source = is_authentic[position] && inner.family() != IpFamily::none;
            candidate.repeats = candidate.has_source && last != nullptr &&
                                candidate.session == last->session &&
                                inner.has_source_of(inner_of(*last));
            if (candidate.has_source) {
                last = &candidate;
            }
        }
        for_each_source([](const Candidate&, const AllowedIps& owners, const auto& source) {
            owners.prefetch(source);
        });
        for_each_source([](const Candidate&, const AllowedIps& owners, const auto& source) {
            owners.prefetch_below_root(source);
        });
        for_each_source([](Candidate& candidate, const AllowedIps& owners, const auto& source) {
            candidate.owner = owners.find(source);
        });
        PeerId owner = kNoPeer;
        for (std::size_t position = 0; position < count_; ++position) {
            Candidate& candidate = candidates_[position];
            if (candidate.repeats) {
                candidate.owner = owner;
            } else if (candidate.has_source) {
                owner = candidate.owner;
            }
        }
    }
    // look(Candidate&, const AllowedIps&, address), of those that do not repeat another.
    template <class Look>
    void for_each_source(Look&& look) noexcept {
        for (std::size_t position = 0; position < count_; ++position) {
            Candidate& candidate = candidates_[position];
            if (candidate.has_source && !candidate.repeats) {
                const AllowedIps& owners = allowed_ips_of(candidate);
                inner_of(candidate).with_source(
                    [&](const auto& source) { look(candidate, owners, source); });
            }
        }
    }
    [[nodiscard]] static InnerPacket inner_of(const Candidate& candidate) noexcept {
        return InnerPacket{{candidate.data, candidate.length_bytes}};
    }
    [[nodiscard]] const AllowedIps& allowed_ips_of(const Candidate& candidate) const noexcept {
        const InterfaceId tunnel = state_.tables.peers()[candidate.session->peer].tunnel();
        return *(*state_.tunnels)[tunnel].allowed_ips;
    }

    // Steps 11 to 16.
    void deliver(const Candidate& candidate, ReceivedTally& tally) noexcept {
        const PeerId peer = candidate.session->peer;
        if (candidate.length_bytes == 0) {
            state_.counters.keepalives_received.add();
            tally.count(kTransportLength_min_bytes);
            batch_.put(candidate.packet, Lane::absorb);
            return;
        }
        const InnerPacket inner = inner_of(candidate);
        const InterfaceId tunnel = state_.tables.peers()[peer].tunnel();
        const DropReason refusal = check_inner(inner, candidate);
        if (refusal != DropReason::none) {
            batch_.drop(candidate.packet, refusal);
            return;
        }
        Packet& packet = batch_[candidate.packet];
        inner.combine_ecn(outer_ecn(packet));
        lower_inner_mss(
            {candidate.data, inner.total_length_bytes()},
            inner_mtu_bytes((*state_.interfaces)[tunnel].mtu_bytes, state_.tables.peers()[peer]));
        tally.count(kTransportLength_min_bytes + candidate.length_bytes);
        unwrap(packet, candidate.data, inner, tunnel);
        batch_.put(candidate.packet, Lane::parse);
    }

    [[nodiscard]] DropReason check_inner(const InnerPacket& inner,
                                         const Candidate& candidate) const noexcept {
        if (inner.family() == IpFamily::none) {
            return DropReason::tunnel_not_ip;
        }
        const std::size_t total_bytes = inner.total_length_bytes();
        if (total_bytes > candidate.length_bytes || total_bytes < inner.header_length_bytes()) {
            return DropReason::tunnel_inner_length;
        }
        return candidate.owner == candidate.session->peer ? DropReason::none
                                                          : DropReason::admit_source_not_allowed;
    }

    // The inner packet as a frame that came in by the tunnel: its link header takes the place of
    // the transport header.
    void unwrap(Packet& packet, std::byte* data, const InnerPacket& inner,
                InterfaceId tunnel) const noexcept {
        const auto head = static_cast<std::uint16_t>(data - packet.buffer -
                                                     std::ptrdiff_t{sizeof(EthernetHeader)});
        forget_all_but_buffer(packet);
        packet.head = head;
        packet.length =
            static_cast<std::uint16_t>(sizeof(EthernetHeader) + inner.total_length_bytes());
        packet.ingress = tunnel;
        const MacAddress& mac = (*state_.interfaces)[tunnel].mac;
        MacAddress other_end = mac;
        other_end.bytes[5] ^= 1U;
        packet.header<EthernetHeader>(0) = {
            mac, other_end, be16{inner.is_ipv4() ? kEtherTypeIpv4 : kEtherTypeIpv6}};
    }

    State& state_;
    Batch& batch_;
    SessionTable& sessions_;
    Now now_;
    std::size_t count_ = 0;
    std::span<Candidate, OpenScratch::kMax> candidates_;
    std::span<crypto::AeadPacket, OpenScratch::kMax> crypto_;
};

}  // namespace

void open_stage(State& state, Batch& batch, Now now) noexcept {
    PacketList& lane = batch.lane(Lane::open);
    for (std::size_t begin = 0; begin < lane.size(); begin += crypto::kAeadBatchMax) {
        const std::size_t end = std::min(begin + crypto::kAeadBatchMax, lane.size());
        Opening opening{state, batch, now};
        for (std::size_t position = begin; position < end; ++position) {
            prefetch_payload(batch[lane[position]], 0);
            opening.take(lane[position]);
        }
        opening.find_sessions();
        opening.check_sessions();
        opening.commit();
    }
    lane.clear();
}

}  // namespace towpath::wireguard
