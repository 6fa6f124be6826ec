// SPDX-License-Identifier: BSD-3-Clause
// From the world that control states and what devices turned out to be, to the generation that
// workers read. Pure, but for memory.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "dataplane/contract/lifecycle.h"
#include "dataplane/contract/world_state.h"
#include "dataplane/pipeline/generation.h"
#include "dataplane/wire/result.h"
#include "dataplane/wireguard/allowed_ips.h"

namespace towpath::engine {

// What only the device knows.
struct DeviceFacts {
    MacAddress mac;
    std::uint16_t mtu_bytes = 1500;  // the smaller of this and the configured one holds
    bool is_up = false;
    bool has_host = false;
    bool is_tunnel = false;
};

struct GenerationRequest {
    std::uint64_t number = 0;
    const contract::World& world;
    std::size_t interface_count = 0;
    const std::array<DeviceFacts, kInterfacesMax>& devices;
    contract::PortRangeField host_ports;
    // By interface id; null where there is no tunnel. They outlive the generation.
    std::array<const wireguard::AllowedIps*, kInterfacesMax> allowed_ips{};
};

// Fails (usage) when there are more routes than the table takes.
[[nodiscard]] Outcome<std::unique_ptr<pipeline::Generation>> build_generation(
    const GenerationRequest& request);

}  // namespace towpath::engine
