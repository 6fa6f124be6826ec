// SPDX-License-Identifier: BSD-3-Clause
// The desired world as a value: what the state messages of world.h add up to. The data plane keeps
// the applied one and the one under construction; control keeps the desired one and compares.
// Messages inside have plain headers, so equal worlds compare equal.
#pragma once

#include <array>
#include <vector>

#include "dataplane/contract/lifecycle.h"
#include "dataplane/contract/tunnel.h"
#include "dataplane/contract/world.h"

namespace towpath::contract {

struct World {
    std::array<InterfaceSet, kPortsMax> interfaces = numbered();  // by id; unset: no addresses
    std::vector<RouteField> routes;
    std::vector<Ipv6RouteField> ipv6_routes;
    NatSet nat;
    std::vector<PrefixField> sources;
    std::vector<Ipv4Address> pool;
    std::vector<AllowField> allow;
    std::array<TunnelSet, kTunnelsMax> tunnels{};  // by position in Start::tunnels; id 0: unset
    std::vector<AdvertisedField> advertised;
    friend bool operator==(const World&, const World&) = default;

private:
    static std::array<InterfaceSet, kPortsMax> numbered() noexcept {
        std::array<InterfaceSet, kPortsMax> result{};
        for (std::size_t i = 0; i < kPortsMax; ++i) {
            result[i].id = static_cast<std::uint8_t>(i);
        }
        return result;
    }
};

}  // namespace towpath::contract
