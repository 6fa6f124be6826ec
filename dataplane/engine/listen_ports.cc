// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/engine/listen_ports.h"

#include <algorithm>
#include <string>
#include <vector>

#include "dataplane/engine/generation_builder.h"

namespace towpath::engine {
namespace {

bool listens_on(const contract::World& world, std::uint16_t port) {
    return std::any_of(
        world.tunnels.begin(), world.tunnels.end(),
        [port](const contract::TunnelSet& tunnel) { return tunnel.listen_port == port; });
}

}  // namespace

Outcome<void> check_listen_ports(const contract::World& applied, const contract::World& next,
                                 const FindMapping& find) {
    std::vector<Ipv4Address> addresses = next.pool;
    for (const Ipv4Address own : realm_addresses_of(next, next.interfaces.size())) {
        if (!own.is_unspecified()) {
            addresses.push_back(own);
        }
    }
    for (const contract::TunnelSet& tunnel : next.tunnels) {
        const std::uint16_t port = tunnel.listen_port;
        if (port == 0 || listens_on(applied, port)) {
            continue;
        }
        for (const Ipv4Address address : addresses) {
            const std::optional<nat::MappingView> mapping = find({address, Port{port}});
            if (mapping && !mapping->is_held) {
                return fail(ExitCode::refused,
                            "ListenPort " + std::to_string(port) +
                                " is in use by the NAT: " + to_string(mapping->outside) +
                                "/udp is the outside endpoint of " + to_string(mapping->inside) +
                                "; choose another port, or wait until that mapping has ended");
            }
        }
    }
    return {};
}

}  // namespace towpath::engine
