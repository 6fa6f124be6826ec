// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/queue_plan.h"

#include "dataplane/wire/assertion.h"

namespace towpath::worker {

QueuePlan::QueuePlan(std::span<const PortQueues> ports, std::size_t workers) {
    TOWPATH_ASSERT(ports.size() <= kInterfacesMax && workers >= 1 && workers <= kWorkersMax);
    std::size_t next = 0;
    for (std::size_t port = 0; port < ports.size(); ++port) {
        const InterfaceId interface { static_cast<std::uint8_t>(port) };
        for (std::uint16_t queue = 0; queue < ports[port].receive; ++queue) {
            receive_[next++ % workers].push_back({interface, queue});
        }
        distributed_[port] = ports[port].receive < workers;
        for (std::size_t worker = 0; worker < workers; ++worker) {
            const std::size_t server = worker % ports[port].transmit;
            transmit_[worker][port] = {static_cast<WorkerId>(server),
                                       static_cast<std::uint16_t>(server)};
        }
    }
}

}  // namespace towpath::worker
