// SPDX-License-Identifier: BSD-3-Clause
#include "control/loop/contract_client.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

namespace towpath::control {
namespace {

bool is_permitted_peer(int descriptor) noexcept {
    ucred peer{};
    socklen_t length = sizeof(peer);
    return ::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
           (peer.uid == ::geteuid() || peer.uid == 0);
}

// A connected descriptor, or -1. A Unix socket connects at once or not at all.
int connect_to(const std::string& path) noexcept {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof(address.sun_path)) {
        return -1;
    }
    path.copy(address.sun_path, path.size());
    const int descriptor = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        return -1;
    }
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        !is_permitted_peer(descriptor)) {
        ::close(descriptor);
        return -1;
    }
    return descriptor;
}

}  // namespace

ContractClient::ContractClient(boost::asio::io_context& loop, std::string path, Handlers handlers)
    : loop_{loop},
      socket_{loop},
      pause_timer_{loop},
      path_{std::move(path)},
      handlers_{std::move(handlers)} {}

void ContractClient::start() {
    is_stopped_ = false;
    try_connect();
}

void ContractClient::stop() {
    is_stopped_ = true;
    pause_timer_.cancel();
    close({});
}

void ContractClient::try_connect() {
    if (is_stopped_ || socket_.is_open()) {
        return;
    }
    const int descriptor = connect_to(path_);
    boost::system::error_code error;
    if (descriptor < 0 || socket_.assign(descriptor, error)) {
        if (descriptor >= 0) {
            ::close(descriptor);
        }
        try_later(pause_);
        pause_ = std::min(2 * pause_, kPauseMax);
        return;
    }
    pause_ = kPauseFirst;
    is_settled_ = false;
    ++connection_;
    wait_readable();
    handlers_.connected();
}

void ContractClient::settle() noexcept {
    is_settled_ = true;
    argue_pause_ = kArguePauseFirst;
}

void ContractClient::try_later(std::chrono::milliseconds pause) {
    pause_timer_.expires_after(pause);
    pause_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            try_connect();
        }
    });
}

void ContractClient::close(const std::string& why) {
    if (!socket_.is_open()) {
        return;
    }
    boost::system::error_code ignored;
    static_cast<void>(socket_.close(ignored));
    ++connection_;
    forget_queue();
    is_writing_ = false;
    handlers_.closed(why);
    if (is_stopped_) {
        return;
    }
    if (is_settled_) {
        try_later(pause_);
    } else {
        try_later(argue_pause_);
        argue_pause_ = std::min(2 * argue_pause_, kArguePauseMax);
    }
}

void ContractClient::wait_readable() {
    socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this, connection = connection_](const boost::system::error_code& error) {
                           if (!error && connection == connection_) {
                               read_all();
                           }
                       });
}

void ContractClient::read_all() {
    const std::uint64_t connection = connection_;
    // A handler may close the connection, or a new one may be there after it.
    while (connection == connection_) {
        const ssize_t length = ::recv(socket_.native_handle(), buffer_->bytes.data(),
                                      buffer_->bytes.size(), MSG_DONTWAIT | MSG_TRUNC);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length < 0 && errno == EAGAIN) {
            wait_readable();
            return;
        }
        if (length <= 0) {
            close("the data plane closed the connection");
            return;
        }
        if (static_cast<std::size_t>(length) > buffer_->bytes.size()) {
            close("the data plane sent a message longer than any");
            return;
        }
        handlers_.received(std::span{buffer_->bytes}.first(static_cast<std::size_t>(length)));
    }
}

void ContractClient::send(Datagram datagram) {
    if (!socket_.is_open()) {
        return;
    }
    if (queue_.size() >= kQueueMax) {
        // Not from inside the caller, which may be in the middle of its own step.
        boost::asio::post(loop_, [this, connection = connection_] {
            if (connection == connection_) {
                close("the data plane does not read");
            }
        });
        return;
    }
    queue_.push_back(std::move(datagram));
    if (!is_writing_) {
        write_some();
    }
}

// Some datagrams carry transport keys.
void ContractClient::forget_front() {
    ::explicit_bzero(queue_.front().data(), queue_.front().size());
    queue_.pop_front();
}

void ContractClient::forget_queue() {
    while (!queue_.empty()) {
        forget_front();
    }
}

void ContractClient::write_some() {
    is_writing_ = false;
    while (!queue_.empty()) {
        const Datagram& front = queue_.front();
        const ssize_t sent = ::send(socket_.native_handle(), front.data(), front.size(),
                                    MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && errno == EAGAIN) {
            is_writing_ = true;
            socket_.async_wait(
                boost::asio::posix::stream_descriptor::wait_write,
                [this, connection = connection_](const boost::system::error_code& error) {
                    if (!error && connection == connection_) {
                        write_some();
                    }
                });
            return;
        }
        if (sent < 0) {
            // The end of the connection is seen, and told, by the reader.
            forget_queue();
            return;
        }
        forget_front();
    }
}

}  // namespace towpath::control
