// SPDX-License-Identifier: BSD-3-Clause
// Counters of one worker: written by it alone, read by anyone without disturbing it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/packet/packet.h"

namespace towpath {

// Single writer, any reader; relaxed, so a reader sees a value that was true a moment ago.
class Counter {
public:
    void add(std::uint64_t amount = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t value() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

struct StageCounters {
    Counter packets;
    Counter cycles;  // estimated from a sample of the bursts
};

struct InterfaceCounters {
    Counter receive_packets;
    Counter receive_bytes;
    Counter transmit_packets;
    Counter transmit_bytes;
    Counter address_conflicts;  // ARP or ND messages of others that claim an address of ours
};

// Rejected packets whose sender was not told (nat-behaviour.md 16.3). They count as dropped, for
// the reason that they were rejected for, whether or not an error went out.
struct SuppressedErrorCounters {
    Counter over_rate;
    Counter repeated;
};

struct alignas(64) PipelineCounters {
    std::array<Counter, kDropReasonCount> drops;
    std::array<StageCounters, kLaneCount> stages;  // by the lane that the stage consumes
    std::array<InterfaceCounters, kInterfacesMax> interfaces;
    Counter received;  // from ports and hosts
    Counter resumed;   // handed over by other workers
    Counter released;  // from hold queues
    Counter originated;
    Counter transmitted;
    Counter dropped;
    Counter punted;
    Counter handed_off;
    Counter held;
    Counter absorbed;
    Counter checksum_completed;  // decisions.md N7
    SuppressedErrorCounters suppressed_errors;
};

}  // namespace towpath
