// SPDX-License-Identifier: BSD-3-Clause
// The data plane's end of the contract: a Unix SOCK_SEQPACKET socket, 0600, served by one thread
// that is no worker. One client at a time; a new one that has said hello replaces the old, so a
// control process that died unnoticed does not lock its successor out. A client that does not read
// for a second is dropped. What messages mean is in dispatch.h.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "dataplane/contract/framing.h"
#include "dataplane/server/dispatch.h"
#include "dataplane/server/engine.h"
#include "dataplane/wire/result.h"

namespace towpath::server {

class ContractServer {
public:
    // Whoever calls holds the run directory's lock, so a socket file that is there is a dead one's.
    // address_in_use, no_permission, failed: the socket cannot be made.
    [[nodiscard]] static Outcome<std::unique_ptr<ContractServer>> listen(std::string socket_path,
                                                                         Identity identity,
                                                                         Engine& engine);
    ContractServer(const ContractServer&) = delete;
    ContractServer& operator=(const ContractServer&) = delete;
    ~ContractServer();  // the socket file is removed

    // Serves until `stop_descriptor` is readable. The failure of Engine::start ends it as well, and
    // is the outcome.
    [[nodiscard]] Outcome<void> run(int stop_descriptor);

private:
    static constexpr std::size_t kConnectionsMax = 4;  // one that has greeted, others about to
    struct Connection {
        int descriptor = -1;
        Client client;
    };

    ContractServer(std::string socket_path, int listener, Identity identity, Engine& engine);
    void accept_one();
    // One message; false when there is none, or nobody to send one.
    [[nodiscard]] bool receive_from(Connection& connection);
    void send_to(Connection& connection, std::span<const std::byte> bytes);
    void keep_newest(const Connection& newest);
    static void close(Connection& connection);

    std::string socket_path_;
    int listener_;
    int wakeup_;  // the engine's
    Dispatcher dispatcher_;
    std::array<Connection, kConnectionsMax> connections_;
    contract::MessageBuffer buffer_;
};

}  // namespace towpath::server
