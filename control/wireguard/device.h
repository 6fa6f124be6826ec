// SPDX-License-Identifier: BSD-3-Clause
// One tunnel's identity and all of its peers: the handshake side of WireGuard, as a machine without
// clocks, sockets or threads (wireguard.md sections 4 to 8 and 14 to 17). Inputs are configuration,
// messages that the data plane passed up, its events, and time; outputs are actions.
//
// The data plane has the transport keys and everything per packet; this has what happens a few
// times a minute. It keeps no transport key: InstallSession is the only copy (decisions.md W1).
//
//     device.on_handshake(message, waiting, moment, actions);   // carry the actions out, then
//     device.next_wake();                                       // call wake() at that time
//
// Every index of `Shared::indices` that a Device allocated is freed by it, or by the caller's
// on_index_free when the data plane says that a session is gone.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/wireguard/action.h"
#include "control/wireguard/cookie_jar.h"
#include "control/wireguard/handshake_result.h"
#include "control/wireguard/identity.h"
#include "control/wireguard/index_allocator.h"
#include "control/wireguard/load.h"
#include "control/wireguard/news.h"
#include "control/wireguard/peer.h"
#include "control/wireguard/random.h"

namespace towpath::control::wireguard {

// What all tunnels of a process share. Outlives the devices.
struct Shared {
    IndexAllocator& indices;
    SentFloor& sent_floor;
    UnderLoad& under_load;
    SourceLimiter& source_limiter;
    Random& random;
};

// A message of type 1 to 3 as it arrived. `bytes` need no alignment.
struct ReceivedMessage {
    std::span<const std::byte> bytes;
    IpEndpoint source;
    IpEndpoint local;
    unsigned worker = 0;
    Now received_at{};
};

// A session that a data plane had before this process was there.
struct AdoptedSession {
    PeerId peer = 0;
    std::uint32_t index = 0;
    Now installed_at{};
};

// Somebody whose handshakes end here.
struct Stranger {
    HandshakeResult reason = HandshakeResult::unknown_key;  // or bad_mac1
    crypto::PublicKey public_key{};                         // of unknown_key
    IpEndpoint source;                                      // last
    std::uint64_t count = 0;
    UnixTime last;
    Now last_at{};
};

struct PeerReport {
    PeerStatus status = PeerStatus::idle;
    // Of a peer that is up: why it will not stay so, or idle. A session outlives by three minutes
    // the way on which it was made.
    PeerStatus doubt = PeerStatus::idle;
    Duration unanswered{};                 // since the first of our handshakes to be without answer
    unsigned initiations = 0;              // of the attempt under way
    std::optional<UnixTime> completed_at;  // the last handshake of this process
    Timestamp greatest_received;
    std::optional<Duration> completed_ago;  // of the newest session there may be
};

class Device {
public:
    static constexpr std::size_t kStrangersMax = 32;
    // Who was not heard for so long is nobody's concern; should he come again, that is news.
    static constexpr Duration kStrangerAge_max = std::chrono::minutes{5};

    explicit Device(Shared shared);

    // Configuration (wireguard.md section 16).
    // Nothing or zeros: no identity. A peer with our own key is removed; sessions may receive until
    // they expire, and handshakes begin anew. The same key again changes nothing.
    void set_identity(std::optional<crypto::PrivateKey> key, const Moment& moment, ActionList& out);
    [[nodiscard]] const Identity* identity() const noexcept {
        return identity_ ? &*identity_ : nullptr;
    }
    // Adds a peer or changes the one with this id. False, and nothing happens, if its key is our
    // own or another peer's. A preshared key is for handshakes that begin later.
    bool set_peer(PeerSettings settings, const Moment& moment, ActionList& out);
    // Unknown ones are ignored.
    void remove_peer(PeerId peer, ActionList& out);
    // A tunnel that is down answers nothing, and its sessions are gone; endpoints and time stamps
    // stay.
    void set_up(bool is_up, const Moment& moment, ActionList& out);
    // The addresses of a name that Resolve asked for; of no family: there is none.
    void on_resolved(PeerId peer, const IpEndpoint& endpoint, const Moment& moment,
                     ActionList& out);
    // The operator's wish; obeys the 5 s spacing. False: no endpoint is known, so it waits for one.
    bool rekey(PeerId peer, const Moment& moment, ActionList& out);
    void forget_timestamp(PeerId peer);

    // What a data plane that outlived the last control has (decisions.md W1, W20).
    bool adopt_session(const AdoptedSession& session);
    void adopt_peer(PeerId peer, const Timestamp& greatest_received, bool has_endpoint);
    // A new data plane: it has no session, so neither have we. `indices` of Shared have been
    // replaced by the caller. Begins a handshake with every peer whose endpoint is known, a few
    // thousand per second; `has_learned` says of which peers the caller knows where they were last
    // heard of, and has told the data plane.
    void on_new_data_plane(const Moment& moment,
                           const std::function<bool(PeerId)>& has_learned = {});

    // From the data plane. `waiting` messages were in the queue when this one was taken out.
    void on_handshake(const ReceivedMessage& message, std::size_t waiting, const Moment& moment,
                      ActionList& out);
    void on_handshake_wanted(PeerId peer, const Moment& moment, ActionList& out);
    void on_no_answer(PeerId peer, const Moment& moment, ActionList& out);
    // A handshake came from the peer's endpoint that is for another key than ours, so nobody knows
    // whether it is the peer's: what is said of a peer for which nothing else is known.
    void on_bad_mac1(PeerId peer, const Moment& moment);
    // The first packet came on a session that we answered for.
    void on_session_confirmed(PeerId peer, std::uint32_t index, const Moment& moment);
    // The session is gone and its keys are wiped: its index is free.
    void on_index_free(std::uint32_t index);
    // The data plane did not take a session.
    void on_session_refused(std::uint32_t index, const Moment& moment);

    // Timers. Call at next_wake() or later.
    void wake(const Moment& moment, ActionList& out);
    [[nodiscard]] std::optional<Now> next_wake() const noexcept;

    // For people.
    [[nodiscard]] std::optional<PeerReport> report(PeerId peer, Now now) const;
    [[nodiscard]] const std::deque<Stranger>& strangers() const noexcept { return strangers_; }
    // Since the last call, in order; at most one of a peer and a call of the above. To be taken
    // after each.
    [[nodiscard]] std::vector<News> take_news() { return std::exchange(news_, {}); }
    [[nodiscard]] const HandshakeCounters& counters() const noexcept { return counters_; }
    // The endpoint by configuration or name, as SetEndpoint says it; nothing if there is none.
    [[nodiscard]] std::optional<SetEndpoint> endpoint(PeerId peer) const;
    [[nodiscard]] std::optional<PeerId> find_peer(const crypto::PublicKey& key) const;
    [[nodiscard]] std::size_t peer_count() const noexcept { return peers_.size(); }

private:
    struct IndexOwner {
        PeerId peer = 0;
        bool is_session = false;          // otherwise an initiation of ours
        std::uint32_t older_session = 0;  // index of the peer's next one, if there is one
    };

    // device_messages.cc
    template <class Message>
    bool passes_gate(const Message& message, HandshakeRole role, const ReceivedMessage& received,
                     std::size_t waiting, const Moment& moment, ActionList& out);
    HandshakeResult consume(const towpath::wireguard::Initiation& message,
                            const ReceivedMessage& received, const Moment& moment, ActionList& out);
    void answer(Peer& peer, const ReceivedInitiation& read, Responded made, std::uint32_t index,
                const ReceivedMessage& received, const Moment& moment, ActionList& out);
    HandshakeResult consume(const towpath::wireguard::Response& message,
                            const ReceivedMessage& received, const Moment& moment, ActionList& out);
    void on_cookie_reply(const towpath::wireguard::CookieReply& message, const Moment& moment);
    void note_stranger(HandshakeResult reason, const crypto::PublicKey& key,
                       const IpEndpoint& source, const Moment& moment);

    // device.cc
    [[nodiscard]] Peer* find(PeerId id);
    void request(Peer& peer, bool is_retry, bool forgets_local_address, const Moment& moment,
                 ActionList& out);
    void send_initiation(Peer& peer, bool forgets_local_address, const Moment& moment,
                         ActionList& out);
    [[nodiscard]] bool can_begin(Peer& peer);
    [[nodiscard]] static PeerStatus trouble_of(const Peer& peer, Now now);
    static void forget_trouble(Peer& peer);
    void tell_trouble(Peer& peer, PeerStatus status);
    void tell_up(Peer& peer, HandshakeRole role, const Moment& moment);
    void on_retransmit(Peer& peer, const Moment& moment, ActionList& out);
    void on_completed(Peer& peer, HandshakeRole role, const Moment& moment);
    void drop_pending(Peer& peer);
    void add_session(Peer& peer, std::uint32_t index, const Moment& moment);
    void forget_session(Peer& peer, std::uint32_t index);  // one of the peer's
    void ask_for_address(Peer& peer, const Moment& moment, ActionList& out);
    void schedule(Peer& peer);
    [[nodiscard]] Duration jitter();

    // device_config.cc
    void end(Peer& peer, ActionList& out);
    void apply_endpoint(Peer& peer, const Moment& moment, ActionList& out);
    void make_remote(Peer& peer);

    Shared shared_;
    std::optional<Identity> identity_;
    bool is_up_ = true;
    CookieIssuer cookies_;
    std::unordered_map<PeerId, Peer> peers_;
    std::map<crypto::PublicKey, PeerId> peer_of_key_;
    std::unordered_map<std::uint32_t, IndexOwner> owner_of_index_;
    std::set<std::pair<Now, PeerId>> agenda_;
    std::deque<Stranger> strangers_;
    HandshakeCounters counters_;
    std::vector<News> news_;
};

}  // namespace towpath::control::wireguard
