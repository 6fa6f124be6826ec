// SPDX-License-Identifier: BSD-3-Clause
#include "tests/probes/endpoint.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>

namespace towpath::probes {
namespace {

bool wait_for(const Descriptor& socket, short events, int timeout_ms) {
    pollfd entry{.fd = socket.get(), .events = events, .revents = 0};
    return poll(&entry, 1, timeout_ms) == 1;
}

}  // namespace

std::optional<Endpoint> parse_endpoint(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    in_addr address{};
    if (inet_pton(AF_INET, std::string(text.substr(0, colon)).c_str(), &address) != 1) {
        return std::nullopt;
    }
    std::uint16_t port = 0;
    const auto digits = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size()) {
        return std::nullopt;
    }
    return Endpoint{ntohl(address.s_addr), port};
}

std::string to_text(const Endpoint& endpoint) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) {
        text += std::to_string((endpoint.address >> shift) & 0xffU);
        text += shift == 0 ? ':' : '.';
    }
    return text + std::to_string(endpoint.port);
}

sockaddr_in to_sockaddr(const Endpoint& endpoint) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(endpoint.address);
    address.sin_port = htons(endpoint.port);
    return address;
}

Endpoint from_sockaddr(const sockaddr_in& address) {
    return Endpoint{ntohl(address.sin_addr.s_addr), ntohs(address.sin_port)};
}

Descriptor::~Descriptor() {
    if (value_ >= 0) {
        close(value_);
    }
}

Descriptor bound_socket(int type, const Endpoint& local) {
    Descriptor result{socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    const int on = 1;
    const auto address = to_sockaddr(local);
    if (!result || setsockopt(result.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(result.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
        bind(result.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return Descriptor{};
    }
    return result;
}

Descriptor listening_socket(const Endpoint& local) {
    auto result = bound_socket(SOCK_STREAM, local);
    if (!result || listen(result.get(), 4096) != 0) {
        return Descriptor{};
    }
    return result;
}

std::optional<Endpoint> local_endpoint(const Descriptor& socket) {
    sockaddr_in address{};
    socklen_t length = sizeof address;
    if (getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
        return std::nullopt;
    }
    return from_sockaddr(address);
}

bool wait_readable(const Descriptor& socket, int timeout_ms) {
    return wait_for(socket, POLLIN, timeout_ms);
}

bool wait_writable(const Descriptor& socket, int timeout_ms) {
    return wait_for(socket, POLLOUT, timeout_ms);
}

bool connect_within(const Descriptor& socket, const Endpoint& remote, int timeout_ms) {
    const auto address = to_sockaddr(remote);
    if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        return true;
    }
    if (errno != EINPROGRESS) {
        return false;
    }
    if (!wait_writable(socket, timeout_ms)) {
        errno = ETIMEDOUT;
        return false;
    }
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    errno = error;
    return error == 0;
}

std::optional<std::string> read_line(const Descriptor& socket, int timeout_ms) {
    std::string line;
    while (line.size() < 256) {
        char byte = 0;
        if (!wait_readable(socket, timeout_ms) || read(socket.get(), &byte, 1) != 1) {
            return std::nullopt;
        }
        if (byte == '\n') {
            return line;
        }
        line += byte;
    }
    return std::nullopt;
}

std::uint64_t monotonic_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}

void raise_descriptor_limit(std::uint64_t wanted) {
    rlimit limit{.rlim_cur = wanted, .rlim_max = wanted};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

}  // namespace towpath::probes
