// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/routes_wireguard.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "control/api/replies.h"

namespace towpath::control::api {
namespace {

namespace json = boost::json;

void gather_from(ApiModel& model, std::uint64_t cursor, std::vector<PeerModel> peers,
                 PeersGathered done) {
    model.peer_list(cursor, [&model, peers = std::move(peers),
                             done = std::move(done)](Outcome<PeerPage> page) mutable {
        if (!page) {
            done(std::nullopt);
            return;
        }
        std::move(page->peers.begin(), page->peers.end(), std::back_inserter(peers));
        if (page->next_cursor == 0) {
            done(std::move(peers));
        } else {
            gather_from(model, page->next_cursor, std::move(peers), std::move(done));
        }
    });
}

}  // namespace

void gather_peers(ApiModel& model, PeersGathered done) {
    if (model.tunnels().empty()) {
        done(std::vector<PeerModel>{});
    } else {
        gather_from(model, 0, {}, std::move(done));
    }
}

void post_rekey(ApiModel& model, const Request&, const Respond& respond) {
    const RekeyModel rekeyed = model.rekey_all();
    json::object object = document();
    object["asked"] = rekeyed.asked;
    object["unreachable"] = rekeyed.unreachable;
    respond(reply(object));
}

void post_forget_timestamp(ApiModel& model, const Request& request, const Respond& respond) {
    if (const Outcome<void> forgotten = model.forget_timestamp(request.body)) {
        respond(reply(document()));
    } else {
        respond(refusal(404, forgotten.error().sentence));
    }
}

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
