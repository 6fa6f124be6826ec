// SPDX-License-Identifier: BSD-3-Clause
// A question that only a worker may answer, because it owns the state (decisions.md N4): a function
// to call on its thread. One at a time per worker; who asks waits outside the data path.
#pragma once

#include <atomic>

#include "dataplane/wire/now.h"

namespace towpath::worker {

template <class State>
class Mailbox {
public:
    struct Query {
        void (*answer)(State& state, Now now, void* argument) noexcept = nullptr;
        void* argument = nullptr;
        std::atomic<bool> is_answered{false};
    };

    // Asking thread. `query` lives until is_answered. One asker at a time.
    void post(Query& query) noexcept { query_.store(&query, std::memory_order_release); }

    // The worker, once per turn of its loop.
    void serve(State& state, Now now) noexcept {
        Query* const query = query_.load(std::memory_order_acquire);
        if (query == nullptr) {
            return;
        }
        query_.store(nullptr, std::memory_order_relaxed);
        query->answer(state, now, query->argument);
        query->is_answered.store(true, std::memory_order_release);
    }
    [[nodiscard]] bool has_query() const noexcept {
        return query_.load(std::memory_order_relaxed) != nullptr;
    }

private:
    std::atomic<Query*> query_{nullptr};
};

}  // namespace towpath::worker
