// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/routes_wireguard.h"

#include "control/api/replies.h"

namespace towpath::control::api {
namespace {

namespace json = boost::json;

}  // namespace

void get_tunnels(ApiModel& model, const Request&, const Respond& respond) {
    json::object object = document();
    object["tunnels"] = list(model.tunnels());
    respond(reply(object));
}

void get_peers(ApiModel& model, const Request& request, const Respond& respond) {
    const auto cursor = number(request, "cursor", 0);
    if (!cursor) {
        respond(refusal(400, "cursor must be a number"));
        return;
    }
    model.peer_list(*cursor, [respond](Outcome<PeerPage> page) {
        if (!page) {
            respond(refusal(page.error()));
            return;
        }
        json::object object = document();
        object["peers"] = list(page->peers);
        object["next_cursor"] = page->next_cursor;
        respond(reply(object));
    });
}

void get_tunnel_keys(ApiModel& model, const Request& request, const Respond& respond) {
    if (!request.is_owner) {
        respond(refusal(403, "private keys are shown to root only"));
        return;
    }
    json::object object = document();
    object["tunnels"] = list(model.tunnel_keys());
    respond(reply(object));
}

}  // namespace towpath::control::api
