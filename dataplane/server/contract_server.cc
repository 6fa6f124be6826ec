// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/server/contract_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace towpath::server {
namespace {

constexpr int kPushInterval_ms = 50;
// From one connection before the others, and what is to be pushed, have their turn.
constexpr std::size_t kMessagesPerTurn = 64;
constexpr timeval kSendTimeout{1, 0};

// Ours or root's (decisions.md N16): the mode of the socket says the same, but a directory may have
// been prepared by somebody else.
bool is_permitted_peer(int descriptor) noexcept {
    ucred peer{};
    socklen_t length = sizeof(peer);
    return ::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
           (peer.uid == ::geteuid() || peer.uid == 0);
}

Failure socket_failure(const std::string& path, int error) {
    const ExitCode code = error == EACCES || error == EPERM ? ExitCode::no_permission
                          : error == EADDRINUSE             ? ExitCode::address_in_use
                                                            : ExitCode::failed;
    return {code, "cannot listen on " + path + ": " + std::strerror(error)};
}

}  // namespace

Outcome<std::unique_ptr<ContractServer>> ContractServer::listen(std::string socket_path,
                                                                Identity identity, Engine& engine) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_path.size() >= sizeof(address.sun_path)) {
        return fail(ExitCode::usage, "the path " + socket_path + " is too long for a socket");
    }
    socket_path.copy(address.sun_path, socket_path.size());
    const int listener = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0) {
        return tl::unexpected{socket_failure(socket_path, errno)};
    }
    ::unlink(socket_path.c_str());
    // The mode goes on before anybody can connect: fchmod on the unbound socket becomes the mode of
    // the file that bind makes.
    if (::fchmod(listener, 0600) != 0 ||
        ::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(listener, kConnectionsMax) != 0) {
        const int error = errno;
        ::close(listener);
        return tl::unexpected{socket_failure(socket_path, error)};
    }
    return std::unique_ptr<ContractServer>{
        new ContractServer{std::move(socket_path), listener, std::move(identity), engine}};
}

ContractServer::ContractServer(std::string socket_path, int listener, Identity identity,
                               Engine& engine)
    : socket_path_{std::move(socket_path)},
      listener_{listener},
      wakeup_{engine.wakeup_descriptor()},
      dispatcher_{std::move(identity), engine} {}

ContractServer::~ContractServer() {
    for (Connection& connection : connections_) {
        close(connection);
    }
    ::close(listener_);
    ::unlink(socket_path_.c_str());
}

void ContractServer::close(Connection& connection) {
    if (connection.descriptor >= 0) {
        ::close(connection.descriptor);
    }
    connection = Connection{};
}

Outcome<void> ContractServer::run(int stop_descriptor) {
    while (true) {
        std::array<pollfd, kConnectionsMax + 3> polled{};
        polled[0] = {stop_descriptor, POLLIN, 0};
        polled[1] = {listener_, POLLIN, 0};
        polled[2] = {wakeup_, POLLIN, 0};
        for (std::size_t i = 0; i < kConnectionsMax; ++i) {
            polled[i + 3] = {connections_[i].descriptor, POLLIN, 0};  // negative ones are ignored
        }
        if (::poll(polled.data(), polled.size(), kPushInterval_ms) < 0 && errno != EINTR) {
            const int error = errno;
            return fail(ExitCode::failed, std::string{"poll: "} + std::strerror(error));
        }
        if (polled[0].revents != 0) {
            return {};
        }
        if (polled[2].revents != 0) {
            std::uint64_t rings = 0;
            static_cast<void>(::read(wakeup_, &rings, sizeof rings));
        }
        for (std::size_t i = 0; i < kConnectionsMax; ++i) {
            std::size_t left = polled[i + 3].revents != 0 ? kMessagesPerTurn : 0;
            while (left != 0 && receive_from(connections_[i])) {
                --left;
            }
        }
        if (dispatcher_.start_failure()) {
            return tl::unexpected{*dispatcher_.start_failure()};
        }
        if ((polled[1].revents & POLLIN) != 0) {
            accept_one();
        }
        for (Connection& connection : connections_) {
            if (connection.descriptor >= 0) {
                dispatcher_.push(connection.client,
                                 [&](std::span<const std::byte> m) { send_to(connection, m); });
            }
            if (connection.client.is_refused) {
                close(connection);
            }
        }
    }
}

void ContractServer::accept_one() {
    const int descriptor =
        ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);  // blocking, with a timeout
    if (descriptor < 0) {
        return;
    }
    if (!is_permitted_peer(descriptor)) {
        ::close(descriptor);
        return;
    }
    static_cast<void>(
        ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &kSendTimeout, sizeof(kSendTimeout)));
    // A free place, or that of somebody who connected and never said hello: at most one connection
    // has greeted, so there is one of either kind.
    Connection* place = nullptr;
    for (Connection& connection : connections_) {
        if (connection.descriptor < 0) {
            place = &connection;
            break;
        }
        if (!connection.client.has_greeted && place == nullptr) {
            place = &connection;
        }
    }
    close(*place);
    place->descriptor = descriptor;
}

bool ContractServer::receive_from(Connection& connection) {
    if (connection.descriptor < 0) {
        return false;
    }
    // MSG_TRUNC: the true length, so that a message longer than any is seen as such.
    const ssize_t length = ::recv(connection.descriptor, buffer_.bytes.data(), buffer_.bytes.size(),
                                  MSG_DONTWAIT | MSG_TRUNC);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    if (length <= 0) {
        close(connection);
        return false;
    }
    const std::size_t size = std::min(static_cast<std::size_t>(length), buffer_.bytes.size());
    const bool had_greeted = connection.client.has_greeted;
    dispatcher_.handle(connection.client, std::span{buffer_.bytes}.first(size),
                       [&](std::span<const std::byte> m) { send_to(connection, m); });
    if (contract::peek_header(std::span{buffer_.bytes}.first(size))
            .value_or(contract::Header{})
            .type == contract::MessageType::session_install) {
        ::explicit_bzero(buffer_.bytes.data(), size);  // transport keys
    }
    if (connection.client.has_greeted && !had_greeted) {
        keep_newest(connection);
    }
    if (connection.client.is_refused) {
        close(connection);
        return false;
    }
    return true;
}

void ContractServer::send_to(Connection& connection, std::span<const std::byte> bytes) {
    if (connection.descriptor >= 0 &&
        ::send(connection.descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) {
        connection.client.is_refused = true;
        ::close(std::exchange(connection.descriptor, -1));
    }
}

void ContractServer::keep_newest(const Connection& newest) {
    for (Connection& connection : connections_) {
        if (&connection != &newest && connection.client.has_greeted) {
            close(connection);
        }
    }
}

}  // namespace towpath::server
