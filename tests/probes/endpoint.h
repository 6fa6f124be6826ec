// SPDX-License-Identifier: BSD-3-Clause
// IPv4 endpoints and bound sockets for the probes. Not part of the product: a probe is an ordinary
// program on the kernel's sockets, so that what it sees is what any program would see.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace towpath::probes {

struct Endpoint {
    std::uint32_t address = 0;  // host order
    std::uint16_t port = 0;     // host order
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// "192.0.2.1:80" both ways. Anything else is nothing.
[[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view text);
[[nodiscard]] std::string to_text(const Endpoint& endpoint);

[[nodiscard]] sockaddr_in to_sockaddr(const Endpoint& endpoint);
[[nodiscard]] Endpoint from_sockaddr(const sockaddr_in& address);

// Owns one file descriptor.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int value) : value_(value) {}
    Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor();
    [[nodiscard]] int get() const { return value_; }
    explicit operator bool() const { return value_ >= 0; }

private:
    int value_ = -1;
};

// A socket of `type` (SOCK_STREAM or SOCK_DGRAM) bound to `local` with SO_REUSEADDR and
// SO_REUSEPORT, non-blocking: several connections may leave from one bound endpoint. Empty when the
// kernel refuses; errno says why.
[[nodiscard]] Descriptor bound_socket(int type, const Endpoint& local);
[[nodiscard]] Descriptor listening_socket(const Endpoint& local);

// The endpoint that a bound socket has; empty when there is none.
[[nodiscard]] std::optional<Endpoint> local_endpoint(const Descriptor& socket);

// Waits until `socket` can be read (or written); false after `timeout_ms`.
[[nodiscard]] bool wait_readable(const Descriptor& socket, int timeout_ms);
[[nodiscard]] bool wait_writable(const Descriptor& socket, int timeout_ms);

// Connects within the time; false when refused or late (errno says which).
[[nodiscard]] bool connect_within(const Descriptor& socket, const Endpoint& remote, int timeout_ms);

// One line without its newline; nothing when the peer closed or the time ran out.
[[nodiscard]] std::optional<std::string> read_line(const Descriptor& socket, int timeout_ms);

[[nodiscard]] std::uint64_t monotonic_ns();

// Lets this process hold `wanted` descriptors, or as many as its hard limit allows.
void raise_descriptor_limit(std::uint64_t wanted);

}  // namespace towpath::probes
