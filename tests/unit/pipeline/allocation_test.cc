// SPDX-License-Identifier: BSD-3-Clause
// Nothing allocates on the data path after start: the allocator of this executable counts.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <new>

#include "tests/builders/ipv6_gateway.h"

namespace {
std::atomic<std::size_t> allocations{0};
}  // namespace

void* operator new(std::size_t size) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    void* const memory = std::malloc(size);
    if (memory == nullptr) {
        std::abort();
    }
    return memory;
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    const auto bytes = static_cast<std::size_t>(alignment);
    void* const memory = std::aligned_alloc(bytes, (size + bytes - 1) / bytes * bytes);
    if (memory == nullptr) {
        std::abort();
    }
    return memory;
}
// Inlined, GCC takes their free() for one of memory that another operator new made.
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}

namespace towpath {
namespace {

using namespace builders;

std::vector<Frame> mixed_traffic(std::uint16_t round) {
    std::vector<Frame> frames;
    frames.push_back(udp({.source_port = static_cast<std::uint16_t>(3000 + round)}));
    frames.push_back(tcp({.source_port = round, .tcp_flags = kTcpSyn}));
    frames.push_back(tcp({.source_port = round, .tcp_flags = kTcpFin | kTcpAck}));
    frames.push_back(tcp({.source_port = 900, .tcp_flags = kTcpAck}));
    frames.push_back(icmp_echo({.source_port = round}));
    frames.push_back(udp({.destination = "203.0.113.9", .ttl = 1}));
    frames.push_back(udp({.source = "10.77.1.11",
                          .destination = "192.0.2.10",
                          .destination_port = static_cast<std::uint16_t>(3000 + round)}));
    frames.push_back(udp({.destination = "192.0.2.77"}));  // a next hop that nobody knows
    frames.push_back(arp());
    frames.push_back(neighbor6());
    frames.push_back(udp6({.source_port = round}));  // held: its next hop is asked for
    frames.push_back(udp6({.destination = "2001:db8:77::1", .source_port = round}));
    frames.push_back(icmp6({.destination = "2001:db8:1::1"}, Icmpv6Type::echo_request));
    Frame whole = udp({.identification = round, .payload_bytes = 3000});
    for (Frame& piece : fragments_of(whole, 1024)) {
        frames.push_back(std::move(piece));
    }
    std::rotate(frames.end() - 3, frames.end() - 1, frames.end());
    return frames;
}

TEST(Allocation, DoesNotHappenOnTheDataPath) {
    Gateway gateway{GatewayOptions{}.capacity, make_ipv6_generation()};
    std::size_t on_the_data_path = 0;
    std::deque<std::vector<Frame>> sent;  // those that are held are looked at in later rounds
    for (std::uint16_t round = 1; round < 400; ++round) {
        std::vector<Frame>& frames = sent.emplace_back(mixed_traffic(round));
        std::vector<Frame*> pointers;
        for (Frame& frame : frames) {
            pointers.push_back(&frame);
        }
        const Now now{std::chrono::seconds{10 + round}};
        const std::size_t before = allocations.load();
        gateway.run(pointers, now);
        gateway.housekeeping(now);
        on_the_data_path += allocations.load() - before;
    }
    EXPECT_EQ(on_the_data_path, 0U);
    EXPECT_GT(gateway.counters.held.value(), 0U);
    EXPECT_GT(gateway.counters.originated.value(), 0U);
    // The count would see one.
    const std::size_t before = allocations.load();
    const auto seen = std::make_unique<std::uint64_t>(1);
    EXPECT_GT(allocations.load(), before);
}

}  // namespace
}  // namespace towpath
