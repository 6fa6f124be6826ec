// SPDX-License-Identifier: BSD-3-Clause
// All peers of a data plane, by id. Peers of workers' round: those with id % workers == worker are
// at home there, where their timers run and their packets wait.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "dataplane/packet/owner.h"
#include "dataplane/wire/result.h"
#include "dataplane/wireguard/peer.h"
#include "dataplane/wireguard/zeroed_array.h"

namespace towpath::wireguard {

class PeerTable {
public:
    // Fails with no_memory. 1 <= workers <= kWorkersMax.
    [[nodiscard]] static Outcome<std::unique_ptr<PeerTable>> create(std::uint32_t capacity,
                                                                    std::size_t workers);
    ~PeerTable();
    PeerTable(const PeerTable&) = delete;
    PeerTable& operator=(const PeerTable&) = delete;

    // peer < capacity(). One that is not in use has no sessions and no endpoint.
    [[nodiscard]] Peer& operator[](PeerId peer) noexcept { return peers_[peer]; }
    [[nodiscard]] const Peer& operator[](PeerId peer) const noexcept { return peers_[peer]; }
    // Peer's.
    [[nodiscard]] PeerWaiting& waiting(PeerId peer) noexcept { return waiting_[peer]; }
    [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
    // Fetches what sealing and opening touch first.
    void prefetch(PeerId peer) const noexcept { __builtin_prefetch(&peers_[peer].slots, 1); }
    // Every peer in use is below: what a round over all has to look at.
    [[nodiscard]] std::uint32_t used_end() const noexcept {
        return used_end_.load(std::memory_order_acquire);
    }
    [[nodiscard]] WorkerId home_of(PeerId peer) const noexcept {
        return static_cast<WorkerId>(peer % workers_);
    }
    [[nodiscard]] std::uint32_t workers() const noexcept { return workers_; }

    // Server thread. Takes a peer into use, or changes it; what it moved, its sessions and its
    // endpoint stay. Persistent keepalive that is switched on sends one at once (15.4).
    void configure(PeerId peer, const PeerSettings& settings) noexcept;
    // Server thread. Forgets the peer: endpoint, counters, stamps. Its sessions are out of its
    // slots before.
    void clear(PeerId peer) noexcept;

private:
    PeerTable(std::uint32_t capacity, std::size_t workers, Peer* peers);

    Peer* peers_;
    ZeroedArray<PeerWaiting> waiting_;
    std::uint32_t capacity_;
    std::uint32_t workers_;
    std::atomic<std::uint32_t> used_end_{0};
};

}  // namespace towpath::wireguard
