// SPDX-License-Identifier: BSD-3-Clause
// When memory that workers may still be reading can be used again (decisions.md N2). Each worker
// reports that it keeps no reference, once per turn of its loop; who unpublishes something takes a
// token and reuses it after every online worker has reported since. Not a lock: nobody waits here.
//
// The token is a shared counter. A worker reads it before it reports, so a report of token t
// happens after everything that was unpublished before t was taken, without a fence per burst.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "dataplane/packet/owner.h"

namespace towpath {

class Quiescence {
public:
    using Token = std::uint64_t;

    // All workers begin offline.
    Quiescence() noexcept {
        for (Report& report : reports_) {
            report.seen.store(kOffline, std::memory_order_relaxed);
        }
    }
    Quiescence(const Quiescence&) = delete;
    Quiescence& operator=(const Quiescence&) = delete;

    // By the worker itself: from here on it holds references again.
    void come_online(WorkerId worker) noexcept {
        std::atomic<Token>& seen = reports_[worker].seen;
        seen.store(token_.load(std::memory_order_acquire), std::memory_order_seq_cst);
        fence();
    }
    // By the worker itself, between bursts: it holds no reference.
    void pass(WorkerId worker) noexcept {
        const Token token = token_.load(std::memory_order_acquire);
        std::atomic<Token>& seen = reports_[worker].seen;
        if (seen.load(std::memory_order_relaxed) != token) {
            seen.store(token, std::memory_order_release);
        }
    }
    // By the worker itself, before it sleeps or ends: nobody has to wait for it.
    void go_offline(WorkerId worker) noexcept {
        reports_[worker].seen.store(kOffline, std::memory_order_release);
    }

    // By anyone, after unpublishing. Rare: one per slice of expiry, never per packet.
    [[nodiscard]] Token take() noexcept {
        const Token token = token_.fetch_add(1, std::memory_order_seq_cst) + 1;
        fence();
        return token;
    }
    // True once every worker has passed, or was offline, since `token` was taken.
    [[nodiscard]] bool all_passed(Token token) const noexcept {
        for (const Report& report : reports_) {
            if (report.seen.load(std::memory_order_seq_cst) < token) {
                return false;
            }
        }
        return true;
    }

private:
    static constexpr Token kOffline = ~Token{0};
    // A read-modify-write of one location by both sides orders what stands before it on one side
    // before what stands behind it on the other. It takes the place of a fence, which
    // ThreadSanitizer does not model; it runs when a worker wakes and when a token is taken.
    void fence() noexcept { fence_.fetch_add(1, std::memory_order_acq_rel); }

    struct alignas(64) Report {
        std::atomic<Token> seen;
    };
    alignas(64) std::atomic<Token> token_{1};
    alignas(64) std::atomic<std::uint64_t> fence_{0};
    std::array<Report, kWorkersMax> reports_{};
};

}  // namespace towpath
