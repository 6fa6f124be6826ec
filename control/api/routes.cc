// SPDX-License-Identifier: BSD-3-Clause
#include "control/api/routes.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "control/api/metrics.h"
#include "control/api/replies.h"
#include "control/api/routes_wireguard.h"

namespace towpath::control::api {
namespace {

namespace json = boost::json;

std::optional<Endpoint> parse_endpoint(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    const auto address = parse_ipv4_address(text.substr(0, colon));
    const std::string_view digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [rest, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (!address || failure != std::errc{} || rest != digits.data() + digits.size()) {
        return std::nullopt;
    }
    return Endpoint{*address, Port{port}};
}

std::optional<Protocol> parse_protocol(std::string_view text) {
    for (const Protocol protocol : {Protocol::udp, Protocol::tcp, Protocol::icmp}) {
        if (text == towpath::to_string(protocol)) {
            return protocol;
        }
    }
    return std::nullopt;
}

// Over the last second.
double port_exhaustions_per_s(const ApiModel& model) {
    for (const DropModel& drop : model.drops()) {
        if (drop.reason == "nat_port_exhausted") {
            return drop.per_second;
        }
    }
    return 0;
}

void get_status(ApiModel& model, const Request&, const Respond& respond) {
    json::object object = merged(to_json(model.status()));
    object["interfaces"] = list(model.interfaces());
    object["tunnels"] = list(model.tunnels());
    object["totals"] = to_json(model.totals());
    object["nat_port_exhausted_per_s"] = port_exhaustions_per_s(model);
    respond(reply(object));
}

void get_version(ApiModel& model, const Request&, const Respond& respond) {
    const StatusModel status = model.status();
    json::object object = document();
    object["control"] = status.version;
    object["dataplane"] = status.dataplane_version;
    respond(reply(object));
}

void get_interfaces(ApiModel& model, const Request&, const Respond& respond) {
    json::object object = document();
    object["interfaces"] = list(model.interfaces());
    respond(reply(object));
}

void get_drops(ApiModel& model, const Request&, const Respond& respond) {
    json::object object = document();
    object["drops"] = list(model.drops());
    object["totals"] = to_json(model.totals());
    object["stages"] = list(model.stages());
    respond(reply(object));
}

void get_routes(ApiModel& model, const Request& request, const Respond& respond) {
    const auto limit = number(request, "limit", kRoutesPerAnswerDefault);
    const auto text = request.query.find("to");
    std::optional<IpAddress> towards;
    if (text != request.query.end()) {
        const auto address = parse_ip_address(text->second);
        towards = address ? std::optional{*address} : std::nullopt;
    }
    if (!limit || *limit == 0 || *limit > kRoutesPerAnswerMax ||
        towards.has_value() != (text != request.query.end())) {
        respond(refusal(400, "to must be an address and limit one of 1..65536"));
        return;
    }
    const RoutesModel found = model.routes(towards, static_cast<std::size_t>(*limit));
    json::object object = document();
    object["routes"] = list(found.routes);
    object["total"] = found.total;
    respond(reply(object));
}

void get_mappings(ApiModel& model, const Request& request, const Respond& respond) {
    const auto cursor = number(request, "cursor", 0);
    const auto limit = number(request, "limit", kMappingsPerPageDefault);
    if (!cursor || !limit || *limit == 0 || *limit > kMappingsPerPageMax) {
        respond(refusal(400, "cursor must be a number and limit one of 1..1024"));
        return;
    }
    model.nat_list(*cursor, static_cast<std::uint32_t>(*limit),
                   [respond](Outcome<MappingPage> page) {
                       if (!page) {
                           respond(refusal(page.error()));
                           return;
                       }
                       json::object object = document();
                       object["mappings"] = list(page->mappings);
                       object["next_cursor"] = page->next_cursor;
                       respond(reply(object));
                   });
}

void get_lookup(ApiModel& model, const Request& request, const Respond& respond) {
    const auto text = request.query.find("endpoint");
    const auto kind = request.query.find("protocol");
    const auto endpoint = text == request.query.end() ? std::nullopt : parse_endpoint(text->second);
    const auto protocol =
        kind == request.query.end() ? std::optional{Protocol::udp} : parse_protocol(kind->second);
    if (!endpoint || !protocol) {
        respond(refusal(400, "endpoint must be ADDRESS:PORT, and protocol udp, tcp or icmp"));
        return;
    }
    model.nat_lookup(*endpoint, *protocol, [respond](Outcome<std::optional<MappingModel>> found) {
        if (!found) {
            respond(refusal(found.error()));
            return;
        }
        json::object object = document();
        object["mapping"] = nullptr;
        if (const std::optional<MappingModel>& mapping = *found) {
            json::object shown = to_json(*mapping);
            if (mapping->is_tracked) {
                shown["remotes"] = list(mapping->remotes);
            }
            object["mapping"] = std::move(shown);
        }
        respond(reply(object));
    });
}

void get_ports(ApiModel& model, const Request&, const Respond& respond) {
    model.port_usage([respond](Outcome<std::vector<PortUsageModel>> usage) {
        if (!usage) {
            respond(refusal(usage.error()));
            return;
        }
        json::object object = document();
        object["ports"] = list(*usage);
        respond(reply(object));
    });
}

void get_neighbors(ApiModel& model, const Request&, const Respond& respond) {
    model.neighbors([respond](Outcome<std::vector<NeighborModel>> neighbors) {
        if (!neighbors) {
            respond(refusal(neighbors.error()));
            return;
        }
        json::object object = document();
        object["neighbours"] = list(*neighbors);
        respond(reply(object));
    });
}

void post_reload(ApiModel& model, const Request&, const Respond& respond) {
    model.reload([respond](Outcome<ReloadResult> result) {
        if (!result) {
            respond(refusal(result.error()));
            return;
        }
        respond(reply(merged(to_json(*result)), result->ok ? 200 : 422));
    });
}

void post_check(ApiModel& model, const Request& request, const Respond& respond) {
    const CheckResult result = model.check(request.body);
    respond(reply(merged(to_json(result)), result.ok ? 200 : 422));
}

// A page without ports or peers is better than none: the rest is known also without a data plane.
void get_metrics(ApiModel& model, const Request&, const Respond& respond) {
    gather_peers(model, [&model, respond](std::optional<std::vector<PeerModel>> peers) {
        model.port_usage([&model, respond, peers = std::move(peers)](
                             const Outcome<std::vector<PortUsageModel>>& usage) {
            respond({200, "text/plain; version=0.0.4; charset=utf-8",
                     metrics_text(model, usage ? *usage : std::vector<PortUsageModel>{}, peers)});
        });
    });
}

struct Route {
    std::string_view method;
    std::string_view path;
    void (*answer)(ApiModel&, const Request&, const Respond&);
};

constexpr std::array kRoutes{
    Route{"GET", "/v1/status", get_status},
    Route{"GET", "/v1/version", get_version},
    Route{"GET", "/v1/interfaces", get_interfaces},
    Route{"GET", "/v1/drops", get_drops},
    Route{"GET", "/v1/routes", get_routes},
    Route{"GET", "/v1/nat/mappings", get_mappings},
    Route{"GET", "/v1/nat/lookup", get_lookup},
    Route{"GET", "/v1/nat/ports", get_ports},
    Route{"GET", "/v1/neighbours", get_neighbors},
    Route{"POST", "/v1/reload", post_reload},
    Route{"GET", "/v1/wireguard/tunnels", get_tunnels},
    Route{"GET", "/v1/wireguard/peers", get_peers},
    Route{"GET", "/v1/wireguard/keys", get_tunnel_keys},
    Route{"POST", "/v1/wireguard/rekey", post_rekey},
    Route{"POST", "/v1/wireguard/forget-timestamp", post_forget_timestamp},
    Route{"POST", "/v1/check", post_check},
    Route{"GET", "/metrics", get_metrics},
};

}  // namespace

void answer(ApiModel& model, const Request& request, const Respond& respond) {
    bool is_known_path = false;
    for (const Route& route : kRoutes) {
        if (route.path != request.path) {
            continue;
        }
        is_known_path = true;
        if (route.method == request.method) {
            route.answer(model, request, respond);
            return;
        }
    }
    respond(is_known_path ? refusal(405, "this path does not take " + request.method)
                          : refusal(404, "there is no such path"));
}

void answer_metrics(ApiModel& model, const Request& request, const Respond& respond) {
    if (request.method == "GET" && (request.path == "/metrics" || request.path == "/")) {
        get_metrics(model, request, respond);
    } else {
        respond(refusal(404, "only GET /metrics is served here"));
    }
}

}  // namespace towpath::control::api
