// SPDX-License-Identifier: BSD-3-Clause
// Control's tunnels: brings together the configuration, the machines that shake hands
// (control/wireguard) and the data plane, over the contract. No socket, no clock: what it wants
// done goes through TunnelIo.
//
//   not in use --world with tunnels applied--> asking for peers --> asking for sessions
//      --> stating (all peers) --peers_applied--> running;  running --configuration--> stating
//   any --connection closed--> not in use. The machines live on: sessions do too.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "control/tunnels/line_budget.h"
#include "control/tunnels/peer_book.h"
#include "control/wireguard/device.h"
#include "dataplane/contract/messages.h"
#include "dataplane/wire/result.h"

namespace towpath::control {

struct TunnelIo {
    std::function<void(Datagram)> send;
    std::function<void(const std::string&)> log;
    // Looks the name up and calls back, later, with an address or none.
    std::function<void(const std::string& name, std::function<void(IpAddress)> done)> resolve;
    std::function<wireguard::Moment()> moment;
    // Puts the greatest time stamp that was sent where it outlives the machine's restart (W20).
    // False: it could not, and has said so.
    std::function<bool(wireguard::Timestamp sent)> keep;
};

class Tunnels {
public:
    // `random` outlives the tunnels. `kept` is what an earlier life gave to TunnelIo::keep.
    Tunnels(TunnelIo io, wireguard::Random& random, wireguard::Timestamp kept = {});

    // What should be, from now on.
    void on_config(std::shared_ptr<const config::Config> config);
    // The world is in force, with the tunnels that it names.
    void on_world_applied(const contract::StartSettings& running);
    void on_closed();
    // Every message; those of others are left alone.
    void on_message(const contract::Upward::View& message);
    // A few times a second, and when next_wake() has come.
    void on_wake();
    // The last call: what must outlive the process is kept.
    void on_end();
    [[nodiscard]] std::optional<Now> next_wake() const;

    // For people.
    struct Tunnel {
        std::uint8_t interface_id = 0;
        config::Tunnel settings;
        wireguard::Device device;
    };
    [[nodiscard]] const std::map<std::string, std::unique_ptr<Tunnel>>& tunnels() const noexcept {
        return tunnels_;
    }
    [[nodiscard]] const PeerBook& peers() const noexcept { return book_; }
    [[nodiscard]] bool is_running() const noexcept { return state_ == State::running; }
    // Begins a handshake with every peer (decisions.md W1: a clone of a machine cannot be seen).
    struct Rekeyed {
        std::size_t asked = 0;
        std::size_t unreachable = 0;  // no endpoint of theirs is known
    };
    Rekeyed rekey_all();
    // The greatest time stamp received from the peer is forgotten (W20). `peer` is its name, its
    // public key in base64, or at least six letters with which only that key begins, as `towpath
    // peers` shows it. Fails with ExitCode::usage if that is no peer or more than one.
    [[nodiscard]] Outcome<void> forget_timestamp(const std::string& peer);

private:
    enum class State : std::uint8_t { unused, asking_peers, asking_sessions, stating, running };

    void on(const contract::HelloDataplane& message);
    void on(const contract::PeersReply& message);
    void on(const contract::SessionsReply& message);
    void on(const contract::PeersApplied& message);
    void on(const contract::SessionInstalled& message);
    void on(const contract::Refused& message);
    void on(const contract::HandshakesReceived& message);
    void on(const contract::TunnelEvents& message);
    template <class Other>
    void on(const Other&) {}

    // What a data plane that outlived the last control has, until its peers are configured.
    struct Adopted {
        std::vector<contract::PeerRow> peers;
        std::vector<contract::SessionRow> sessions;
    };
    void finish_adoption();
    // What the data plane learns by itself, asked for page by page while tunnels run: where peers
    // are, for they roam with any packet.
    struct Survey {
        Now next{};
        std::uint64_t cursor = 0;
    };
    void survey(Now now);
    void on_surveyed(const contract::PeersReply& page);
    // The numbers of peers that a change of configuration concerns, and what the machines want done
    // once the data plane has been told of them.
    struct Changes {
        std::vector<std::uint32_t> stated;
        std::vector<std::uint32_t> removed;
        std::vector<std::pair<std::string, wireguard::ActionList>> actions;
    };
    [[nodiscard]] Changes configure();
    void configure_tunnel(const config::Tunnel& settings, std::uint8_t interface_id,
                          Changes& changes);
    // `name` and `peer` are in config_.
    void configure_peer(Tunnel& tunnel, const std::string& name, const config::Peer& peer,
                        std::uint32_t number, Changes& changes, wireguard::ActionList& actions);
    void remove_tunnel(const std::string& name, Changes& changes);
    void carry_out(Changes& changes, bool is_whole);
    void send_transaction(const std::vector<std::uint32_t>& stated,
                          const std::vector<std::uint32_t>& removed, bool is_whole);
    // The key of the one peer that the operator means.
    [[nodiscard]] Outcome<config::PublicKeyBytes> key_of(const std::string& peer) const;
    [[nodiscard]] Tunnel* tunnel_with(std::uint8_t interface_id);
    [[nodiscard]] Tunnel* tunnel_of(std::uint32_t peer);

    void carry_out(Tunnel& tunnel, wireguard::ActionList& actions);
    void on_action(Tunnel& tunnel, const wireguard::SendHandshake& action);
    void on_action(Tunnel& tunnel, const wireguard::SendTo& action);
    void on_action(Tunnel& tunnel, const wireguard::InstallSession& action);
    void on_action(Tunnel& tunnel, const wireguard::EndSessions& action);
    void on_action(Tunnel& tunnel, const wireguard::DropStaged& action);
    void on_action(Tunnel& tunnel, const wireguard::SetEndpoint& action);
    void on_action(Tunnel& tunnel, const wireguard::Resolve& action);
    void on_action(Tunnel& tunnel, const wireguard::Note& action);
    template <class M>
    void tell(const M& message);
    // tunnels_news.cc
    [[nodiscard]] static std::string label_of(const BookedPeer& peer);
    void say(const std::string& text, LineBudget& budget);
    void say_news(Tunnel& tunnel);
    void say_what_was_left_out(Now now);
    void learn_endpoint(std::uint32_t peer, const IpEndpoint& endpoint);
    void keep_sent_timestamp(Now now);

    TunnelIo io_;
    LineBudget lines_{20, std::chrono::seconds{1}};  // about peers
    // Whoever knows our public key can make strangers of any number of keys.
    LineBudget stranger_lines_{10, std::chrono::minutes{1}};
    wireguard::IndexAllocator indices_{0, 1};
    wireguard::SentFloor sent_floor_;
    std::optional<Now> keep_again_at_;  // after a failure
    wireguard::UnderLoad under_load_;
    wireguard::SourceLimiter source_limiter_;
    wireguard::Random& random_;
    std::map<std::string, std::unique_ptr<Tunnel>> tunnels_;
    PeerBook book_;
    std::shared_ptr<const config::Config> config_ = std::make_shared<const config::Config>();
    contract::StartSettings running_;
    State state_ = State::unused;
    std::uint64_t start_id_ = 0;      // of the data plane that we are connected to
    std::uint64_t index_key_ = 0;     // likewise
    std::uint64_t prepared_for_ = 0;  // start id of the one whose numbers and indices are in force
    Adopted adopted_;
    Survey survey_;
    std::uint64_t commits_ = 0;
    struct Installing {
        std::string tunnel;
        std::uint32_t index = 0;
    };
    std::deque<Installing> installing_;  // answers come in this order
    bool is_config_newer_ = false;       // than what was stated last
};

}  // namespace towpath::control
