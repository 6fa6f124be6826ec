// SPDX-License-Identifier: BSD-3-Clause
// What the data plane answers to each message of the contract. Not a socket: bytes come in as
// spans, answers leave through a Send. Holds the applied world; a client's unfinished world is the
// client's own, so that a connection that ends before its commit leaves no trace.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "dataplane/contract/messages.h"
#include "dataplane/server/apply.h"
#include "dataplane/server/engine.h"
#include "dataplane/server/peers_transaction.h"

namespace towpath::server {

struct Identity {
    std::string instance;
    std::uint64_t start_id = 0;  // another one for every process
};

// Whole messages, in order. What cannot be sent is lost together with the client.
using Send = std::function<void(std::span<const std::byte>)>;

struct Client {
    bool has_greeted = false;
    bool wants_events = false;
    bool is_refused = false;  // close the connection once what was sent is out
    // A state message was refused since the last commit, so that commit is refused as well: half a
    // world is not published.
    bool is_spoiled = false;
    std::optional<Construction> construction;  // from the first state message to the commit
    std::optional<OpenTransaction> peers;      // from peers_begin to the commit
};

class Dispatcher {
public:
    Dispatcher(Identity identity, Engine& engine);

    void handle(Client& client, std::span<const std::byte> bytes, const Send& send);
    // Events and link changes for a client that has greeted. Called a few times a second.
    void push(Client& client, const Send& send);

    // Set when the engine could not start: the process ends with it.
    [[nodiscard]] const std::optional<Failure>& start_failure() const noexcept {
        return start_failure_;
    }
    [[nodiscard]] const contract::World& world() const noexcept { return world_; }
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

private:
    struct Context;
    void on(Context& context, const contract::HelloControl& message);
    void on(Context& context, const contract::Start& message);
    template <class StateMessage>
    void on_state(Context& context, const StateMessage& message);
    void on(Context& context, const contract::InterfaceSet& message);
    void on(Context& context, const contract::RouteChunk& message);
    void on(Context& context, const contract::Ipv6RouteChunk& message);
    void on(Context& context, const contract::NatSet& message);
    void on(Context& context, const contract::SourceChunk& message);
    void on(Context& context, const contract::PoolChunk& message);
    void on(Context& context, const contract::AllowChunk& message);
    void on(Context& context, const contract::TunnelSet& message);
    void on(Context& context, const contract::AdvertiseChunk& message);
    void on(Context& context, const contract::Commit& message);
    template <class PeerMessage>
    void on_peers(Context& context, const PeerMessage& message);
    void on(Context& context, const contract::PeersBegin& message);
    void on(Context& context, const contract::PeerSet& message);
    void on(Context& context, const contract::PeerPrefixChunk& message);
    void on(Context& context, const contract::PeersCommit& message);
    void on(Context& context, const contract::SessionInstall& message);
    void on(Context& context, const contract::SessionsEnd& message);
    void on(Context& context, const contract::HandshakeSend& message);
    void on(Context& context, const contract::PeersQuery& message);
    void on(Context& context, const contract::SessionsQuery& message);
    void on(Context& context, const contract::StatusQuery& message);
    void on(Context& context, const contract::CountersQuery& message);
    void on(Context& context, const contract::ReasonsQuery& message);
    void on(Context& context, const contract::InterfacesQuery& message);
    void on(Context& context, const contract::NatLookupQuery& message);
    void on(Context& context, const contract::NatListQuery& message);
    void on(Context& context, const contract::PortUsageQuery& message);
    void on(Context& context, const contract::NeighborsQuery& message);
    void on(Context& context, const contract::StartQuery& message);
    void on(Context& context, const contract::EventsSubscribe& message);

    void push_tunnels(const Send& send);
    [[nodiscard]] contract::DataplaneState state() const noexcept;
    [[nodiscard]] bool is_started(Context& context, contract::MessageType what);

    Identity identity_;
    Engine& engine_;
    std::unique_ptr<contract::StartSettings> start_;  // accepted
    contract::Started started_;
    contract::World world_;
    std::uint64_t generation_ = 0;
    std::optional<Failure> start_failure_;
};

}  // namespace towpath::server
