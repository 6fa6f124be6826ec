// SPDX-License-Identifier: BSD-3-Clause
// Packet sockets (packet(7)) in a network namespace that need not be ours: one that sends bursts
// past the queueing discipline, one that receives through a TPACKET_V3 ring with kernel time
// stamps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <variant>

#include "dataplane/wire/address.h"
#include "dataplane/wire/result.h"

namespace towpath::testbed {

// An interface by name in a named namespace (`ip netns`); an empty namespace is our own.
struct Place {
    std::string network_namespace;
    std::string interface;
};

// Owns a file descriptor.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) noexcept : number_{number} {}
    Descriptor(Descriptor&& other) noexcept;
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor();
    [[nodiscard]] int number() const noexcept { return number_; }

private:
    int number_ = -1;
};

// Moves the calling thread; threads that it starts later follow it.
[[nodiscard]] Outcome<std::monostate> enter_namespace(const std::string& name);

class SendSocket {
public:
    [[nodiscard]] static Outcome<SendSocket> open(const Place& place);
    [[nodiscard]] const MacAddress& mac() const noexcept { return mac_; }
    // Sends the frames in order; how many the kernel took. What it did not take is not sent.
    [[nodiscard]] std::size_t send(std::span<const std::span<const std::byte>> frames) const;

private:
    Descriptor socket_;
    MacAddress mac_;
};

// A received frame and when the kernel saw it, nanoseconds since the epoch.
using OnFrame = std::function<void(std::span<const std::byte>, std::uint64_t)>;

class ReceiveRing {
public:
    [[nodiscard]] static Outcome<ReceiveRing> open(const Place& place);
    ReceiveRing(ReceiveRing&& other) noexcept;
    ReceiveRing& operator=(ReceiveRing&&) = delete;
    ~ReceiveRing();
    // Hands over every frame that is there; waits at most `wait_ms` for the first.
    void drain(int wait_ms, const OnFrame& on_frame);
    // Frames that the ring had no room for: lost by the measurement, not by the gateway.
    [[nodiscard]] std::uint64_t overflow_count() const;

private:
    ReceiveRing(Descriptor socket, std::byte* memory) noexcept;
    Descriptor socket_;
    std::byte* memory_ = nullptr;
    std::size_t next_block_ = 0;
};

}  // namespace towpath::testbed
