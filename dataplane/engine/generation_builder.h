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

// What bind_pool is to know of a world beside its pool (decisions.md W13): the first IPv4 address
// of every interface below `ports` to which peers of tunnels are translated. An address of the pool
// is none: an answer to a peer could not be told from a hairpin packet there.
[[nodiscard]] nat::RealmAddresses realm_addresses_of(const contract::World& world,
                                                     std::size_t ports);

// Fails (usage) when there are more routes than the table takes.
[[nodiscard]] Outcome<std::unique_ptr<pipeline::Generation>> build_generation(
    const GenerationRequest& request);

}  // namespace towpath::engine
