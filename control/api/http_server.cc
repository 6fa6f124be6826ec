// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/http_server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <utility>

#include "control/api/http_session.h"

namespace towpath::control::api {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Local = asio::local::stream_protocol;
using Tcp = asio::ip::tcp;

Failure bind_failure(const std::string& what, const error_code& error) {
    if (error == asio::error::address_in_use) {
        return {ExitCode::address_in_use, what + " is already in use"};
    }
    if (error == asio::error::access_denied) {
        return {ExitCode::no_permission, what + " may not be opened: " + error.message()};
    }
    return {ExitCode::failed, what + " cannot be opened: " + error.message()};
}

bool is_answered(asio::io_context& loop, const std::string& path) {
    Local::socket probe{loop};
    error_code error;
    probe.connect(Local::endpoint{path}, error);
    return !error;
}

bool is_socket(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace

// Accepts for as long as the server lives; sessions hold a share of it only to be counted.
class HttpServer::Listener : public std::enable_shared_from_this<HttpServer::Listener> {
public:
    Listener(asio::io_context& loop, Handler handler)
        : loop_{loop}, local_{loop}, tcp_{loop}, pause_{loop}, handler_{std::move(handler)} {}

    tl::expected<void, Failure> bind_unix(const std::string& path) {
        if (is_socket(path)) {
            if (is_answered(loop_, path)) {
                return tl::unexpected{bind_failure("unix:" + path, asio::error::address_in_use)};
            }
            ::unlink(path.c_str());
        }
        error_code error;
        if (path.size() > 107) {
            error = asio::error::name_too_long;
        } else {
            bind(local_, Local::endpoint{path}, error);
        }
        if (!error && ::chmod(path.c_str(), 0660) != 0) {
            error = error_code{errno, boost::system::system_category()};
        }
        if (error) {
            return tl::unexpected{bind_failure("unix:" + path, error)};
        }
        path_ = path;
        accept(local_);
        return {};
    }

    tl::expected<void, Failure> bind_tcp(const Endpoint& endpoint) {
        error_code error;
        const asio::ip::address_v4 address{endpoint.address.bits()};
        bind(tcp_, Tcp::endpoint{address, endpoint.port.number()}, error);
        if (error) {
            return tl::unexpected{bind_failure(to_string(endpoint), error)};
        }
        accept(tcp_);
        return {};
    }

    void stop() {
        error_code ignored;
        local_.close(ignored);
        tcp_.close(ignored);
        pause_.cancel();
        // Nobody answers any more, also for sessions that outlive the server by a moment.
        handler_ = nullptr;
        if (!path_.empty()) {
            ::unlink(path_.c_str());
        }
    }

    [[nodiscard]] std::uint16_t port() const {
        error_code ignored;
        return tcp_.local_endpoint(ignored).port();
    }
    [[nodiscard]] std::size_t connection_count() const { return connections_; }

private:
    template <class Acceptor, class BindTo>
    static void bind(Acceptor& acceptor, const BindTo& endpoint, error_code& error) {
        acceptor.open(endpoint.protocol(), error);
        if (!error) {
            acceptor.set_option(asio::socket_base::reuse_address(true), error);
        }
        if (!error) {
            acceptor.bind(endpoint, error);
        }
        if (!error) {
            acceptor.listen(asio::socket_base::max_listen_connections, error);
        }
    }

    template <class Acceptor>
    void accept(Acceptor& acceptor) {
        acceptor.async_accept(
            [self = shared_from_this(), &acceptor](const error_code& error, auto socket) {
                if (error == asio::error::operation_aborted || !acceptor.is_open()) {
                    return;
                }
                if (!error) {
                    self->serve(std::move(socket));
                    self->accept(acceptor);
                    return;
                }
                // Out of descriptors, most likely: trying at once would spin.
                self->pause_.expires_after(std::chrono::milliseconds{100});
                self->pause_.async_wait([self, &acceptor](const error_code& stopped) {
                    if (!stopped && acceptor.is_open()) {
                        self->accept(acceptor);
                    }
                });
            });
    }

    template <class Socket>
    void serve(Socket socket) {
        const bool is_welcome = connections_ < kConnectionsMax;
        ++connections_;
        start_session(
            asio::generic::stream_protocol::socket{std::move(socket)}, is_welcome,
            [self = weak_from_this()](const Request& request, Respond respond) {
                const auto listener = self.lock();
                if (listener == nullptr || listener->handler_ == nullptr) {
                    respond({503, "application/json", "{}"});
                    return;
                }
                listener->handler_(request, std::move(respond));
            },
            [self = shared_from_this()] { --self->connections_; });
    }

    asio::io_context& loop_;
    Local::acceptor local_;
    Tcp::acceptor tcp_;
    asio::steady_timer pause_;
    Handler handler_;
    std::string path_;
    std::size_t connections_ = 0;
};

HttpServer::HttpServer(std::shared_ptr<Listener> listener) : listener_{std::move(listener)} {}
HttpServer::~HttpServer() {
    listener_->stop();
}

Outcome<std::unique_ptr<HttpServer>> HttpServer::listen_unix(asio::io_context& loop,
                                                             const std::string& path,
                                                             Handler handler) {
    auto listener = std::make_shared<Listener>(loop, std::move(handler));
    if (auto bound = listener->bind_unix(path); !bound) {
        return tl::unexpected{bound.error()};
    }
    return std::unique_ptr<HttpServer>{new HttpServer{std::move(listener)}};
}

Outcome<std::unique_ptr<HttpServer>> HttpServer::listen_tcp(asio::io_context& loop,
                                                            const Endpoint& endpoint,
                                                            Handler handler) {
    auto listener = std::make_shared<Listener>(loop, std::move(handler));
    if (auto bound = listener->bind_tcp(endpoint); !bound) {
        return tl::unexpected{bound.error()};
    }
    return std::unique_ptr<HttpServer>{new HttpServer{std::move(listener)}};
}

std::uint16_t HttpServer::port() const {
    return listener_->port();
}
std::size_t HttpServer::connection_count() const {
    return listener_->connection_count();
}

}  // namespace towpath::control::api
