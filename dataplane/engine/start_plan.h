// SPDX-License-Identifier: BSD-3-Clause
// What a `start` message means on this machine: cores, queues, memory. Pure, so that start-up
// arithmetic is tested without a device.
#pragma once

#include <vector>

#include "dataplane/contract/lifecycle.h"
#include "dataplane/dpdk/packet_pool.h"
#include "dataplane/nat/policy.h"
#include "dataplane/port/request.h"
#include "dataplane/wire/result.h"
#include "dataplane/worker/cores.h"

namespace towpath::engine {

struct StartPlan {
    std::vector<unsigned> cores;
    std::vector<port::PortRequest> ports;
    dpdk::PacketPoolRequest pool;
    nat::Capacity capacity;
    bool busy_polls = false;
};

// Fails as choose_cores does.
[[nodiscard]] Outcome<StartPlan> plan_start(const contract::StartSettings& start,
                                            const worker::CoreLimits& limits);

}  // namespace towpath::engine
