// SPDX-License-Identifier: BSD-3-Clause
// What the workers of a data plane share about tunnels: sessions, peers, and the rings between
// workers and the server thread. Workers read and use them through their State; what is below
// "server thread" is for that thread alone, while traffic flows.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/wireguard/handshake_ring.h"
#include "dataplane/wireguard/injection.h"
#include "dataplane/wireguard/known_sources.h"
#include "dataplane/wireguard/peer_table.h"
#include "dataplane/wireguard/session_table.h"
#include "dataplane/wireguard/tunnel_event.h"

namespace towpath::wireguard {

// Random and secret, another pair for every data plane.
struct TableKeys {
    std::uint64_t index_key = 0;   // of IndexPermutation; control has it too
    std::uint64_t source_key = 0;  // of KnownSources
};

enum class InstallResult : std::uint8_t {
    installed,
    slot_in_use,   // the index's slot is live, draining or beyond the capacity: never reset (W1)
    unknown_peer,  // no peer has this id
};

class Tables {
public:
    // Fails with no_memory or usage. `quiescence` outlives the tables.
    [[nodiscard]] static Outcome<std::unique_ptr<Tables>> create(const Capacity& capacity,
                                                                 TableKeys keys,
                                                                 Quiescence& quiescence);

    [[nodiscard]] const Capacity& capacity() const noexcept { return capacity_; }
    [[nodiscard]] SessionTable& sessions() noexcept { return *sessions_; }
    [[nodiscard]] PeerTable& peers() noexcept { return *peers_; }
    [[nodiscard]] const PeerTable& peers() const noexcept { return *peers_; }
    [[nodiscard]] const KnownSources& known_sources() const noexcept { return known_sources_; }
    // From a worker to the server thread; to a worker from it.
    [[nodiscard]] TunnelEventRing& events(WorkerId worker) noexcept {
        return rings_[worker]->events;
    }
    [[nodiscard]] HandshakeRing& handshakes(WorkerId worker) noexcept {
        return rings_[worker]->handshakes;
    }
    [[nodiscard]] InjectionRing& injections(WorkerId worker) noexcept {
        return rings_[worker]->injections;
    }

    // Any thread. The peer was heard of from `remote` at `stamp` (wireguard.md section 14). False:
    // it is known already, or something later is.
    bool learn_endpoint(PeerId peer, const IpEndpoint& remote, const IpAddress& local,
                        Now stamp) noexcept;

    // Server thread, from here on.

    void configure_peer(PeerId peer, const PeerSettings& settings) noexcept;
    // Ends its sessions and forgets it. Its prefixes are out of the allowed IPs before.
    void remove_peer(PeerId peer) noexcept;

    // Publishes the session, then gives it its place in the peer's slots: an initiator's is current
    // at once, a responder's is next (wireguard.md section 9). What it pushes out is retired. An
    // owner that is no worker here (the number changed) is replaced by the peer's home.
    [[nodiscard]] InstallResult install(const NewSession& session) noexcept;
    // On TunnelEventKind::session_ended, or to end one session. An unknown index is no error.
    void retire(std::uint32_t index) noexcept;
    // All sessions of the peer (key erase, interface down).
    void end_sessions(PeerId peer) noexcept;
    // Its sessions receive only (identity changed).
    void stop_sending(PeerId peer) noexcept;
    // Wipes retired sessions that no worker can see any more and says which indices are free: at
    // most `freed.size()`. To be called from time to time; finds a bounded number of sessions whose
    // end was not told because a ring was full.
    [[nodiscard]] std::size_t collect(std::span<std::uint32_t> freed) noexcept;

    // A handshake message from there was consumed that had arrived at `stamp`. Loses against a data
    // packet that arrived later (decisions.md W11).
    bool offer_endpoint(PeerId peer, const IpEndpoint& remote, const IpAddress& local,
                        Now stamp) noexcept;
    // Applied only if `generation` is not the one that was applied last; 0 is before the first.
    bool apply_configured_endpoint(PeerId peer, const IpEndpoint& remote, std::uint32_t generation,
                                   Now now) noexcept;
    // The route chooses our address again (wireguard.md section 14).
    void forget_source(PeerId peer) noexcept;

private:
    struct Rings {
        TunnelEventRing events{kEventRingEntries};
        HandshakeRing handshakes{kHandshakeRingEntries};
        InjectionRing injections{kInjectionRingEntries};
    };

    Tables(const Capacity& capacity, TableKeys keys, std::unique_ptr<SessionTable> sessions,
           std::unique_ptr<PeerTable> peers);
    void sweep_ended() noexcept;

    Capacity capacity_;
    std::unique_ptr<SessionTable> sessions_;
    std::unique_ptr<PeerTable> peers_;
    KnownSources known_sources_;
    std::vector<std::unique_ptr<Rings>> rings_;
    std::uint32_t sweep_at_ = 0;
};

}  // namespace towpath::wireguard
