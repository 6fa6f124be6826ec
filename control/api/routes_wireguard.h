// SPDX-License-Identifier: BSD-3-Clause
// The paths below /v1/wireguard: tunnels, peers, keys.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "control/api/http.h"
#include "control/api_model.h"

namespace towpath::control::api {

void get_tunnels(ApiModel& model, const Request& request, const Respond& respond);
void get_peers(ApiModel& model, const Request& request, const Respond& respond);
// Only for root (Request::is_owner); others are told 403.
void get_tunnel_keys(ApiModel& model, const Request& request, const Respond& respond);
// Begins a handshake with every peer.
void post_rekey(ApiModel& model, const Request& request, const Respond& respond);
// The body is the peer's public key in base64.
void post_forget_timestamp(ApiModel& model, const Request& request, const Respond& respond);

// Every peer, page after page; nothing if the data plane does not say. `done` is called at once if
// there is no tunnel.
using PeersGathered = std::function<void(std::optional<std::vector<PeerModel>>)>;
void gather_peers(ApiModel& model, PeersGathered done);

}  // namespace towpath::control::api
