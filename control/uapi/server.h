// SPDX-License-Identifier: BSD-3-Clause
// The sockets on which WireGuard's standard tool finds tunnels: one per tunnel, NAME.sock in a
// folder, mode 0600. Framing and limits, no meaning. A request of more than kRequestBytesMax, or a
// connection past kConnectionsMax, is closed.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace towpath::control::uapi {

// Where `wg` looks.
inline constexpr const char* kToolFolder = "/var/run/wireguard";
inline constexpr std::size_t kRequestBytesMax = 64U << 20U;  // 65 536 peers with their prefixes
inline constexpr std::size_t kConnectionsMax = 16;           // of one tunnel

// Called once, at once or later, on the event loop's thread, with the whole answer.
using Respond = std::function<void(std::string)>;
// `request` is without the empty line that ends it.
using Handler =
    std::function<void(const std::string& tunnel, const std::string& request, Respond respond)>;

class Server {
public:
    Server(boost::asio::io_context& loop, std::string folder, Handler handler,
           std::function<void(const std::string&)> log);
    ~Server() { serve({}); }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Opens the sockets of these tunnels and removes those of others. One that another program
    // answers on is left to it, and the log says so; one that nobody answers on is replaced.
    void serve(const std::vector<std::string>& tunnels);

private:
    class Listener;
    std::shared_ptr<Listener> open(const std::string& tunnel);

    boost::asio::io_context& loop_;
    std::string folder_;
    Handler handler_;
    std::function<void(const std::string&)> log_;
    std::map<std::string, std::shared_ptr<Listener>> listeners_;
};

}  // namespace towpath::control::uapi
