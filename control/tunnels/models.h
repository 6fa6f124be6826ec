// SPDX-License-Identifier: BSD-3-Clause
// Tunnels and peers as the API shows them: what is configured, what the machines that shake hands
// know, and what the data plane counts, put together. Pure.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "control/tunnel_model.h"
#include "control/tunnels/tunnels.h"
#include "dataplane/contract/tunnel.h"

namespace towpath::control {

// Every tunnel of the configuration, whether a data plane has it or not.
[[nodiscard]] std::vector<TunnelModel> tunnel_models(const config::Config& config,
                                                     const Tunnels& tunnels, Now now);

// One page of the data plane's peers. A peer that is on its way out is left out.
[[nodiscard]] PeerPage peer_page(const contract::PeersReply& reply, const Tunnels& tunnels,
                                 const wireguard::Moment& moment);

[[nodiscard]] std::vector<TunnelKeysModel> tunnel_keys(const config::Config& config);

// Why the peer is not up, or will not stay so, for people; empty while there is nothing to say.
// `way`: what the data plane knows of the way to its endpoint.
[[nodiscard]] std::string reason_of(const wireguard::PeerReport& report,
                                    contract::EndpointWay way = contract::EndpointWay::unknown);

}  // namespace towpath::control
