// SPDX-License-Identifier: BSD-3-Clause
// Offers frames at a steady rate. Between bursts it sleeps, so that the processor time it uses is
// the cost of sending and not of waiting; what it cannot send in time is not caught up beyond a few
// milliseconds but shows as a lower rate.
#pragma once

#include <cstdint>

#include "testbed/traffic/packet_socket.h"
#include "testbed/traffic/probe_frame.h"

namespace towpath::testbed {

struct Load {
    double rate_pps = 1000;
    double duration_s = 1;
    std::uint32_t burst_max = 16;  // frames in one call, at most 64
    std::size_t size_bytes = kFrameMinimumBytes;
    bool is_imix = false;  // instead of size_bytes
};

struct Sent {
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;
    std::uint64_t refused = 0;  // by the kernel, at the sending interface
    double elapsed_s = 0;
};

// One uncounted frame per flow, so that the measured frames find their mapping.
void warm_up(const SendSocket& socket, const FlowPlan& plan);

// Never sends more than `sequence_limit` frames.
[[nodiscard]] Sent offer(const SendSocket& socket, const FlowPlan& plan, const Load& load,
                         std::uint64_t sequence_limit);

}  // namespace towpath::testbed
