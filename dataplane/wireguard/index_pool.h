// SPDX-License-Identifier: BSD-3-Clause
// Indices of table entries that readers reach without a lock: one that was unpublished is given out
// again only after every worker has passed (decisions.md N2). Of one thread, the writer.
#pragma once

#include <cstdint>

#include "dataplane/packet/quiescence.h"
#include "dataplane/wireguard/zeroed_array.h"

namespace towpath::wireguard {

class IndexPool {
public:
    // Indices 1..count; 0 means none. `quiescence` outlives the pool.
    IndexPool(std::uint32_t count, Quiescence& quiescence) noexcept
        : quiescence_{quiescence}, next_(std::size_t{count} + 1, Pages::ordinary), count_{count} {}

    // 0 if none is free now: all are in use, or wait for a worker to pass.
    [[nodiscard]] std::uint32_t take() noexcept;
    // Of an index that no reader has seen since it was taken.
    void give_back(std::uint32_t index) noexcept;
    // Of an index that no reader can find any more.
    void retire(std::uint32_t index) noexcept;

    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
    // Those ever given out: entries above have never been written.
    [[nodiscard]] std::uint32_t touched() const noexcept { return touched_; }

private:
    void collect() noexcept;

    Quiescence& quiescence_;
    ZeroedArray<std::uint32_t> next_;  // in whichever of the lists the index is
    std::uint32_t count_;
    std::uint32_t touched_ = 0;
    std::uint32_t free_ = 0;
    // Retired before and after token_ was taken.
    std::uint32_t waiting_ = 0;
    std::uint32_t waiting_last_ = 0;
    std::uint32_t retired_ = 0;
    std::uint32_t retired_last_ = 0;
    Quiescence::Token token_ = 0;
};

}  // namespace towpath::wireguard
