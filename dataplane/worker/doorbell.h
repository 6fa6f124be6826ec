// SPDX-License-Identifier: BSD-3-Clause
// Wakes an idle worker. A worker that found nothing to do for a while announces that it sleeps,
// looks once more, then waits on its ports' descriptors and on the doorbell. Whoever gives it work
// (another worker's hand-off, a query) rings after publishing the work; ringing one that is awake
// costs a load.
#pragma once

#include <poll.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "dataplane/wire/now.h"
#include "dataplane/wire/result.h"

namespace towpath::worker {

class Doorbell {
public:
    [[nodiscard]] static Outcome<Doorbell> create();
    Doorbell(Doorbell&& other) noexcept;
    Doorbell(const Doorbell&) = delete;
    Doorbell& operator=(const Doorbell&) = delete;
    Doorbell& operator=(Doorbell&&) = delete;
    ~Doorbell();

    // Any thread, after it has published work.
    void ring() noexcept;

    // The worker: from here on ring() writes the descriptor. The worker must look for work once
    // more before it waits, or a ring in between is lost.
    void announce_sleep() noexcept;
    // Waits for any of `descriptors` to be readable, at most `limit`: the first is the bell's own.
    // Ends the sleep; `revents` say what was readable.
    void wait(std::vector<pollfd>& descriptors, Duration limit) noexcept;
    void announce_wake() noexcept { is_sleeping_.store(false, std::memory_order_relaxed); }

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

private:
    explicit Doorbell(int descriptor) noexcept : descriptor_{descriptor} {}
    int descriptor_ = -1;
    std::atomic<bool> is_sleeping_{false};
};

}  // namespace towpath::worker
