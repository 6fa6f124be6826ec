// SPDX-License-Identifier: BSD-3-Clause
// HTTP/1.1 over a Unix socket or TCP on the caller's event loop: framing, limits and time-outs, no
// meaning. One handler answers everything. Bounded: kConnectionsMax at once (the next is told 503),
// headers of 8 KiB, bodies of kBodyBytesMax (413), kIdle for a request to arrive and a response to
// leave. Never throws after start.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "control/api/http.h"
#include "dataplane/wire/address.h"
#include "dataplane/wire/result.h"

namespace towpath::control::api {

inline constexpr std::size_t kConnectionsMax = 32;
inline constexpr std::uint32_t kHeaderBytesMax = 8192;
inline constexpr std::uint64_t kBodyBytesMax = (1U << 20U) + 1;  // a configuration and one byte
inline constexpr std::chrono::seconds kIdle{10};

class HttpServer {
public:
    // A socket file that nobody answers on is replaced; one that is alive is address_in_use. The
    // file is 0660 and goes with the server.
    static Outcome<std::unique_ptr<HttpServer>> listen_unix(boost::asio::io_context& loop,
                                                            const std::string& path,
                                                            Handler handler);
    static Outcome<std::unique_ptr<HttpServer>> listen_tcp(boost::asio::io_context& loop,
                                                           const Endpoint& endpoint,
                                                           Handler handler);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    // The port that was bound, for a TCP endpoint of port 0.
    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] std::size_t connection_count() const;

private:
    class Listener;
    explicit HttpServer(std::shared_ptr<Listener> listener);
    std::shared_ptr<Listener> listener_;
};

}  // namespace towpath::control::api
