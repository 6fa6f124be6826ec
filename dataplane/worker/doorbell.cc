// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/doorbell.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

namespace towpath::worker {

Outcome<Doorbell> Doorbell::create() {
    const int descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (descriptor < 0) {
        return fail(ExitCode::failed,
                    std::string{"cannot make an event descriptor: "} + std::strerror(errno));
    }
    return Doorbell{descriptor};
}

Doorbell::Doorbell(Doorbell&& other) noexcept : descriptor_{std::exchange(other.descriptor_, -1)} {}

Doorbell::~Doorbell() {
    if (descriptor_ >= 0) {
        close(descriptor_);
    }
}

void Doorbell::ring() noexcept {
    // Pairs with the fence of announce_sleep: either the worker sees the work, or we see it asleep.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (is_sleeping_.load(std::memory_order_relaxed)) {
        const std::uint64_t one = 1;
        // Fails only when the counter is at its limit, and then the worker is woken anyway.
        [[maybe_unused]] const auto written = write(descriptor_, &one, sizeof one);
    }
}

void Doorbell::announce_sleep() noexcept {
    is_sleeping_.store(true, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

void Doorbell::wait(std::vector<pollfd>& descriptors, Duration limit) noexcept {
    const auto limit_ns = limit.count();
    const timespec timeout{.tv_sec = limit_ns / 1'000'000'000, .tv_nsec = limit_ns % 1'000'000'000};
    const int ready = ppoll(descriptors.data(), descriptors.size(), &timeout, nullptr);
    announce_wake();
    if (ready <= 0) {
        // What it left behind says nothing.
        for (pollfd& descriptor : descriptors) {
            descriptor.revents = 0;
        }
        return;
    }
    // Only a bell that rang is read: one that rings from here on is heard by the next wait.
    if (descriptors.front().revents != 0) {
        std::uint64_t rings = 0;
        [[maybe_unused]] const auto got = read(descriptor_, &rings, sizeof rings);
    }
}

}  // namespace towpath::worker
