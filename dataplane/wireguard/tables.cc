// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/tables.h"

#include <algorithm>

namespace towpath::wireguard {
namespace {

constexpr std::uint32_t kSweepSlots = 4096;

// Until no worker is moving the same peer at this instant.
template <class Change>
void change_endpoint(Peer& peer, Change&& change) noexcept {
    bool is_done = false;
    while (!is_done) {
        peer.endpoint.update([&](PeerEndpoint& endpoint) {
            is_done = true;
            return change(endpoint);
        });
    }
}

}  // namespace

Outcome<std::unique_ptr<Tables>> Tables::create(const Capacity& capacity, TableKeys keys,
                                                Quiescence& quiescence) {
    if (capacity.peers == 0 || capacity.peers > kPeersMax || capacity.sessions == 0 ||
        capacity.sessions > kSessionsMax || capacity.workers == 0 ||
        capacity.workers > kWorkersMax) {
        return fail(ExitCode::usage, "WireGuard's capacity is zero or beyond what it can be.");
    }
    auto sessions = SessionTable::create(capacity.sessions, keys.index_key, quiescence);
    if (!sessions) {
        return tl::unexpected{sessions.error()};
    }
    auto peers = PeerTable::create(capacity.peers, capacity.workers);
    if (!peers) {
        return tl::unexpected{peers.error()};
    }
    return std::unique_ptr<Tables>{
        new Tables{capacity, keys, std::move(*sessions), std::move(*peers)}};
}

Tables::Tables(const Capacity& capacity, TableKeys keys, std::unique_ptr<SessionTable> sessions,
               std::unique_ptr<PeerTable> peers)
    : capacity_{capacity},
      sessions_{std::move(sessions)},
      peers_{std::move(peers)},
      known_sources_{*peers_, keys.source_key} {
    for (std::size_t worker = 0; worker < capacity.workers; ++worker) {
        rings_.push_back(std::make_unique<Rings>());
    }
}

bool Tables::learn_endpoint(PeerId peer, const IpEndpoint& remote, const IpAddress& local,
                            Now stamp) noexcept {
    const bool has_moved = (*peers_)[peer].endpoint.update([&](PeerEndpoint& endpoint) {
        const bool is_news = endpoint.remote != remote || endpoint.local != local;
        if (!is_news || stamp < endpoint.stamp) {
            return false;
        }
        if (endpoint.remote != remote) {
            endpoint.path_mtu_bytes = 0;
        }
        endpoint.remote = remote;
        endpoint.local = local;
        endpoint.stamp = stamp;
        return true;
    });
    if (has_moved) {
        known_sources_.add(remote, peer);
    }
    return has_moved;
}

void Tables::configure_peer(PeerId peer, const PeerSettings& settings) noexcept {
    peers_->configure(peer, settings);
}

void Tables::remove_peer(PeerId peer) noexcept {
    end_sessions(peer);
    peers_->clear(peer);
}

InstallResult Tables::install(const NewSession& session) noexcept {
    if (session.peer >= capacity_.peers || !(*peers_)[session.peer].is_in_use()) {
        return InstallResult::unknown_peer;
    }
    NewSession owned = session;
    if (owned.owner >= capacity_.workers) {
        owned.owner = peers_->home_of(session.peer);
    }
    Session* const made = sessions_->install(owned);
    if (made == nullptr) {
        return InstallResult::slot_in_use;
    }
    const std::uint32_t slot = sessions_->slot_of(*made);
    const auto with_new = [&](PeerSlots slots) {
        return session.is_initiator ? slots.with_initiated(slot) : slots.with_answered(slot);
    };
    const PeerSlots before = (*peers_)[session.peer].slots.change(with_new);
    const PeerSlots after = with_new(before);
    for (const std::uint32_t held : before.all()) {
        if (!after.contains(held)) {
            sessions_->retire(held);
        }
    }
    return InstallResult::installed;
}

void Tables::retire(std::uint32_t index) noexcept {
    const std::uint32_t slot = sessions_->slot_of(index);
    const Session* const session = sessions_->find(slot, index);
    if (session == nullptr) {
        return;
    }
    (*peers_)[session->peer].slots.change([slot](PeerSlots slots) { return slots.without(slot); });
    sessions_->retire(slot);
}

void Tables::end_sessions(PeerId peer) noexcept {
    const PeerSlots before = (*peers_)[peer].slots.change([](PeerSlots) { return PeerSlots{}; });
    for (const std::uint32_t slot : before.all()) {
        sessions_->retire(slot);
    }
}

void Tables::stop_sending(PeerId peer) noexcept {
    for (const std::uint32_t slot : (*peers_)[peer].slots.load().all()) {
        if (sessions_->is_live(slot)) {
            (*sessions_)[slot].may_send.store(false, std::memory_order_relaxed);
        }
    }
}

std::size_t Tables::collect(std::span<std::uint32_t> freed) noexcept {
    sweep_ended();
    return sessions_->collect(freed);
}

void Tables::sweep_ended() noexcept {
    const std::uint32_t count = std::min(kSweepSlots, sessions_->capacity());
    for (std::uint32_t looked_at = 0; looked_at < count; ++looked_at) {
        const std::uint32_t slot = sweep_at_;
        sweep_at_ = slot + 1 < sessions_->capacity() ? slot + 1 : 0;
        if (sessions_->is_live(slot) &&
            (*sessions_)[slot].has_ended.load(std::memory_order_relaxed)) {
            retire((*sessions_)[slot].index());
        }
    }
}

bool Tables::offer_endpoint(PeerId peer, const IpEndpoint& remote, const IpAddress& local,
                            Now stamp) noexcept {
    if (stamp < (*peers_)[peer].received_at.at()) {
        return false;
    }
    return learn_endpoint(peer, remote, local, stamp);
}

bool Tables::apply_configured_endpoint(PeerId peer, const IpEndpoint& remote,
                                       std::uint32_t generation, Now now) noexcept {
    bool is_applied = false;
    change_endpoint((*peers_)[peer], [&](PeerEndpoint& endpoint) {
        is_applied = endpoint.configured_generation != generation;
        if (is_applied) {
            endpoint = {remote, IpAddress{}, now, generation};
        }
        return is_applied;
    });
    if (is_applied) {
        known_sources_.add(remote, peer);
    }
    return is_applied;
}

void Tables::forget_source(PeerId peer) noexcept {
    change_endpoint((*peers_)[peer], [](PeerEndpoint& endpoint) {
        const bool has_source = !endpoint.local.is_none();
        endpoint.local = IpAddress{};
        return has_source;
    });
}

}  // namespace towpath::wireguard
