// SPDX-License-Identifier: BSD-3-Clause
// Packets from one worker to another (nat-behaviour.md 13.5): one ring per (from, to) pair, FIFO,
// so that the packets of one endpoint stay in order. A full ring refuses; the caller drops the
// packet as handoff_full. Packets travel with what parse learned, so nothing is parsed twice.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/packet/owner.h"
#include "dataplane/packet/packet.h"
#include "dataplane/packet/spsc_ring.h"

namespace towpath::worker {

inline constexpr std::size_t kHandoffRingPackets = 1024;

class HandoffMesh {
public:
    explicit HandoffMesh(std::size_t workers) : workers_{workers}, rings_(workers * workers) {
        for (std::size_t from = 0; from < workers; ++from) {
            for (std::size_t to = 0; to < workers; ++to) {
                if (from != to) {
                    rings_[from * workers + to] =
                        std::make_unique<SpscRing<Packet>>(kHandoffRingPackets);
                }
            }
        }
    }

    [[nodiscard]] SpscRing<Packet>& ring(WorkerId from, WorkerId to) noexcept {
        TOWPATH_DEBUG_ASSERT(from != to);
        return *rings_[std::size_t{from} * workers_ + to];
    }
    // Whether anything waits for `to`.
    [[nodiscard]] bool has_work(WorkerId to) const noexcept {
        for (std::size_t from = 0; from < workers_; ++from) {
            if (from != to && !rings_[from * workers_ + to]->empty()) {
                return true;
            }
        }
        return false;
    }
    [[nodiscard]] std::size_t workers() const noexcept { return workers_; }

private:
    std::size_t workers_;
    std::vector<std::unique_ptr<SpscRing<Packet>>> rings_;
};

}  // namespace towpath::worker
