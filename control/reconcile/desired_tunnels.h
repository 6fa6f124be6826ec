// SPDX-License-Identifier: BSD-3-Clause
// What the data plane should hold of the `wireguard:` section, beside its peers: pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "config/config.h"
#include "dataplane/contract/lifecycle.h"
#include "dataplane/contract/world_state.h"
#include "dataplane/wire/result.h"

namespace towpath::control {

// Interface id of the port or tunnel of that name in a running data plane.
[[nodiscard]] std::optional<std::uint8_t> interface_id(const contract::StartSettings& running,
                                                       std::string_view name) noexcept;

// Tunnels and room for peers: of what is configured, and as much again.
void add_tunnels(const config::Config& config, contract::StartSettings& start);
// Interfaces, identities and routes of the tunnels. Refused: a tunnel that the data plane was not
// started with. One that is gone from the file listens no more.
[[nodiscard]] Outcome<void> add_tunnels(const config::Config& config,
                                        const contract::StartSettings& running,
                                        contract::World& world);

// The MTU of a tunnel: as configured, or what the smallest interface leaves (decisions.md W8).
[[nodiscard]] std::uint16_t tunnel_mtu_bytes(const config::Config& config,
                                             const config::Tunnel& tunnel) noexcept;

}  // namespace towpath::control
