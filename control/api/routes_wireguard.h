// SPDX-License-Identifier: BSD-3-Clause
// The paths below /v1/wireguard: tunnels, peers, keys.
#pragma once

#include "control/api/http.h"
#include "control/api_model.h"

namespace towpath::control::api {

void get_tunnels(ApiModel& model, const Request& request, const Respond& respond);
void get_peers(ApiModel& model, const Request& request, const Respond& respond);
// Only for root (Request::is_owner); others are told 403.
void get_tunnel_keys(ApiModel& model, const Request& request, const Respond& respond);

}  // namespace towpath::control::api
