// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wireguard/peer_table.h"

#include "dataplane/wire/assertion.h"
#include "dataplane/wireguard/mapped_memory.h"

namespace towpath::wireguard {

Outcome<std::unique_ptr<PeerTable>> PeerTable::create(std::uint32_t capacity, std::size_t workers) {
    TOWPATH_ASSERT(capacity != 0 && capacity <= kPeersMax);
    TOWPATH_ASSERT(workers != 0 && workers <= kWorkersMax);
    Peer* const peers = map_zeroed<Peer>(capacity, MapSecrecy::ordinary);
    if (peers == nullptr) {
        return fail(ExitCode::no_memory, "There is no memory for WireGuard's peers.");
    }
    return std::unique_ptr<PeerTable>{new PeerTable{capacity, workers, peers}};
}

PeerTable::PeerTable(std::uint32_t capacity, std::size_t workers, Peer* peers)
    : peers_{peers},
      waiting_{capacity, Pages::ordinary},
      capacity_{capacity},
      workers_{static_cast<std::uint32_t>(workers)} {}

PeerTable::~PeerTable() {
    unmap(peers_, capacity_);
}

void PeerTable::configure(PeerId peer, const PeerSettings& settings) noexcept {
    TOWPATH_ASSERT(peer < capacity_);
    TOWPATH_ASSERT(static_cast<std::size_t>(settings.tunnel) < kInterfacesMax);
    Peer& entry = peers_[peer];
    const bool had_keepalive = entry.is_in_use() && entry.keepalive_interval() != Duration{};
    const auto tunnel = static_cast<std::uint32_t>(settings.tunnel);
    const bool begins_keepalive = settings.keepalive_s != 0 && !had_keepalive;
    const std::uint32_t wanted = Peer::kInUse | tunnel << 16U | settings.keepalive_s |
                                 (begins_keepalive ? Peer::kKeepaliveDue : 0);
    std::uint32_t before = entry.word();
    while (!entry.settings_word.compare_exchange_weak(before, wanted | (before & Peer::kNotes),
                                                      std::memory_order_relaxed)) {
    }
    if (peer >= used_end_.load(std::memory_order_relaxed)) {
        used_end_.store(peer + 1, std::memory_order_release);
    }
}

void PeerTable::clear(PeerId peer) noexcept {
    TOWPATH_ASSERT(peer < capacity_);
    Peer& entry = peers_[peer];
    entry.settings_word.store(0, std::memory_order_relaxed);
    waiting_[peer].asked_at.clear();
    entry.sent_at.clear();
    entry.unanswered_since.clear();
    entry.received_at.clear();
    entry.unacknowledged_since.clear();
    entry.sent_bytes.store(0, std::memory_order_relaxed);
    entry.received_bytes.store(0, std::memory_order_relaxed);
    while (!entry.endpoint.update([](PeerEndpoint& endpoint) {
        endpoint = {};
        return true;
    })) {
    }
}

}  // namespace towpath::wireguard
