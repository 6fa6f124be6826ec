// SPDX-License-Identifier: BSD-3-Clause
// Wakes the server thread when a worker has something for it. Any worker rings; a ring while one is
// not yet heard costs a load.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace towpath::worker {

class ServerBell {
public:
    // Without a descriptor (none is left) nobody is woken: the server looks 20 times a second.
    ServerBell() noexcept : descriptor_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {}
    ServerBell(const ServerBell&) = delete;
    ServerBell& operator=(const ServerBell&) = delete;
    ~ServerBell() {
        if (descriptor_ >= 0) {
            ::close(descriptor_);
        }
    }
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

    // A worker, after it has published what the server is to take.
    void ring() noexcept {
        if (is_rung_.load(std::memory_order_relaxed) ||
            is_rung_.exchange(true, std::memory_order_acq_rel)) {
            return;
        }
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof one);
    }
    // The server, before it takes: whatever is published from here on rings again.
    void answer() noexcept { is_rung_.exchange(false, std::memory_order_acq_rel); }

private:
    int descriptor_;
    std::atomic<bool> is_rung_{false};
};

}  // namespace towpath::worker
