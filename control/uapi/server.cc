// SPDX-License-Identifier: BSD-3-Clause
#include "control/uapi/server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <utility>

namespace towpath::control::uapi {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Local = asio::local::stream_protocol;

// One connection: a request, its answer, the next request.
class Session : public std::enable_shared_from_this<Session> {
public:
    Session(Local::socket socket, std::string tunnel, Handler handler,
            std::shared_ptr<std::size_t> count)
        : socket_{std::move(socket)},
          tunnel_{std::move(tunnel)},
          handler_{std::move(handler)},
          count_{std::move(count)} {
        ++*count_;
    }
    ~Session() { --*count_; }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void read() {
        asio::async_read_until(
            socket_, asio::dynamic_buffer(received_, kRequestBytesMax), "\n\n",
            [self = shared_from_this()](const error_code& error, std::size_t length) {
                if (!error) {
                    self->on_request(length);
                }
            });
    }

private:
    void on_request(std::size_t length) {
        const std::string request = received_.substr(0, length - 1);
        received_.erase(0, length);
        handler_(tunnel_, request, [self = shared_from_this()](std::string answer) {
            self->answer_ = std::move(answer);
            asio::async_write(self->socket_, asio::buffer(self->answer_),
                              [self](const error_code& error, std::size_t) {
                                  if (!error) {
                                      self->read();
                                  }
                              });
        });
    }

    Local::socket socket_;
    std::string tunnel_;
    Handler handler_;
    std::shared_ptr<std::size_t> count_;
    std::string received_;
    std::string answer_;
};

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

class Server::Listener : public std::enable_shared_from_this<Server::Listener> {
public:
    Listener(asio::io_context& loop, std::string tunnel, Handler handler)
        : pause_{loop}, acceptor_{loop}, tunnel_{std::move(tunnel)}, handler_{std::move(handler)} {}

    error_code bind(const std::string& path) {
        error_code error;
        acceptor_.open(Local{}, error);
        if (error) {
            return error;
        }
        // Nobody else's from the first moment on.
        const ::mode_t before = ::umask(0177);
        acceptor_.bind(Local::endpoint{path}, error);
        ::umask(before);
        if (!error) {
            path_ = path;
            acceptor_.listen(asio::socket_base::max_listen_connections, error);
        }
        return error;
    }

    void accept() {
        acceptor_.async_accept(
            [self = shared_from_this()](const error_code& error, Local::socket socket) {
                if (error == asio::error::operation_aborted || !self->acceptor_.is_open()) {
                    return;
                }
                if (!error && *self->count_ < kConnectionsMax) {
                    std::make_shared<Session>(std::move(socket), self->tunnel_, self->handler_,
                                              self->count_)
                        ->read();
                }
                if (error) {
                    self->accept_later();
                } else {
                    self->accept();
                }
            });
    }

    void stop() {
        error_code ignored;
        pause_.cancel();
        acceptor_.close(ignored);
        if (!path_.empty()) {
            ::unlink(path_.c_str());
        }
    }

private:
    // Out of descriptors, most likely: trying again at once would only burn time.
    void accept_later() {
        pause_.expires_after(std::chrono::milliseconds{100});
        pause_.async_wait([self = shared_from_this()](const error_code& error) {
            if (!error && self->acceptor_.is_open()) {
                self->accept();
            }
        });
    }

    asio::steady_timer pause_;
    Local::acceptor acceptor_;
    std::string tunnel_;
    Handler handler_;
    std::string path_;  // empty: not bound
    std::shared_ptr<std::size_t> count_ = std::make_shared<std::size_t>(0);
};

Server::Server(asio::io_context& loop, std::string folder, Handler handler,
               std::function<void(const std::string&)> log)
    : loop_{loop}, folder_{std::move(folder)}, handler_{std::move(handler)}, log_{std::move(log)} {}

std::shared_ptr<Server::Listener> Server::open(const std::string& tunnel) {
    const std::string path = folder_ + "/" + tunnel + ".sock";
    constexpr std::size_t kUnixPathMax = 107;
    const auto refuse = [&](const std::string& why) {
        log_("the wg tool does not find " + tunnel + ": " + path + " " + why);
        return std::shared_ptr<Listener>{};
    };
    ::mkdir(folder_.c_str(), 0700);  // if it fails, so does what follows, which says why
    if (path.size() > kUnixPathMax) {
        return refuse("is too long for a Unix socket");
    }
    if (is_socket(path)) {
        if (is_answered(loop_, path)) {
            return refuse("belongs to another program");
        }
        ::unlink(path.c_str());
    }
    auto listener = std::make_shared<Listener>(loop_, tunnel, handler_);
    if (const error_code error = listener->bind(path)) {
        listener->stop();
        return refuse("cannot be opened: " + error.message());
    }
    listener->accept();
    return listener;
}

void Server::serve(const std::vector<std::string>& tunnels) {
    for (auto listener = listeners_.begin(); listener != listeners_.end();) {
        if (std::find(tunnels.begin(), tunnels.end(), listener->first) == tunnels.end()) {
            listener->second->stop();
            listener = listeners_.erase(listener);
        } else {
            ++listener;
        }
    }
    for (const std::string& tunnel : tunnels) {
        if (listeners_.contains(tunnel)) {
            continue;
        }
        if (auto listener = open(tunnel)) {
            listeners_[tunnel] = std::move(listener);
        }
    }
}

}  // namespace towpath::control::uapi
