// SPDX-License-Identifier: BSD-3-Clause
// The controller's face to the API: what is known, what the data plane must be asked, and reload.
#include "control/loop/controller.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "config/devices.h"
#include "config/load.h"
#include "config/tunnel_scalar.h"
#include "control/loop/clock.h"
#include "control/loop/log.h"
#include "control/observe/run_lines.h"
#include "control/reconcile/desired.h"
#include "control/reconcile/diff.h"
#include "control/reconcile/peer_differences.h"
#include "control/reconcile/route_list.h"
#include "control/tunnels/models.h"
#include "dataplane/contract/version.h"

namespace towpath::control {
namespace {

using namespace contract;

constexpr std::string_view kProgram = "towpath-control";

// The answer as an M; another message to this request is the data plane's refusal.
template <class M>
Outcome<const M*> answer_as(const Outcome<Upward::View>& answer) {
    if (!answer) {
        return tl::unexpected{answer.error()};
    }
    if (const auto* const view = std::get_if<const M*>(&*answer)) {
        return *view;
    }
    const auto* const refused = std::get_if<const Refused*>(&*answer);
    return fail(ExitCode::failed, refused != nullptr ? (*refused)->sentence.str()
                                                     : "the data plane answered something else");
}

MappingKind kind_of(Protocol protocol) noexcept {
    return protocol == Protocol::tcp   ? MappingKind::tcp
           : protocol == Protocol::udp ? MappingKind::udp
                                       : MappingKind::icmp;
}

std::uint64_t seconds_between(Now from, Now to) noexcept {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(to - from).count());
}

}  // namespace

StatusModel Controller::status() const {
    StatusModel model;
    model.version = kBuild;
    model.dataplane_version = client_.is_connected() ? dataplane_build_ : "";
    model.instance = request_.instance;
    model.config_file = request_.config_file;
    model.dataplane = is_hung()                  ? DataplaneLink::not_answering
                      : !client_.is_connected()  ? DataplaneLink::disconnected
                      : !conversation_.applied() ? DataplaneLink::starting
                                                 : DataplaneLink::forwarding;
    const Now now = monotonic_now();
    model.dataplane_silent_s = seconds_between(now - pulse_.silence(now), now);
    model.control_uptime_s = seconds_between(started_at_, now);
    model.dataplane_start_id = dataplane_start_id_;
    model.dataplane_restarts = dataplane_restarts_;
    model.generation = conversation_.generation();
    model.last_reload_ok = last_reload_error_.empty();
    model.last_reload_error = last_reload_error_;
    model.last_refusal = last_refusal_;
    if (client_.is_connected()) {
        snapshot_.fill(model);
        model.dead_next_hops = next_hops_.dead();
        for (const std::string& name : conversation_.held_back()) {
            model.notes.push_back(name + " needs a restart of the data plane");
        }
        if (is_config_waiting_) {
            model.notes.emplace_back(
                "the configuration was read again; the data plane gets it when it answers");
        }
    }
    for (const std::string& tunnel : changed_by_tool_) {
        model.notes.push_back("wireguard." + tunnel +
                              " was changed by the wg tool: a reload undoes that");
    }
    if (config_->management != served_) {
        model.notes.push_back("management needs a restart of towpath-control");
    }
    return model;
}

std::string Controller::stopped_line() const {
    StatusModel model = status();
    snapshot_.fill(model);  // also of a data plane that was stopped a moment earlier
    return control::stopped_line(model, tunnels());
}

std::vector<InterfaceModel> Controller::interfaces() const {
    if (conversation_.applied()) {
        return snapshot_.interfaces(conversation_.running(), conversation_.applied());
    }
    // Nothing is known to be in force: what should be, and of nobody a figure.
    const StartSettings settings = desired_start(*config_, request_.instance);
    const Outcome<World> desired = desired_world(*config_, settings);
    return Snapshot{}.interfaces(settings, desired ? std::optional{*desired} : std::nullopt);
}

RoutesModel Controller::routes(const std::optional<IpAddress>& towards, std::size_t limit) const {
    return route_list(*config_, towards, limit);
}

TotalsModel Controller::totals() const {
    TotalsModel totals = snapshot_.totals();
    totals.log_written = nat_log_.written();
    totals.log_dropped = nat_log_.dropped();
    return totals;
}

void Controller::nat_lookup(const Endpoint& endpoint, Protocol protocol,
                            Reply<std::optional<MappingModel>> reply) {
    NatLookupQuery query;
    query.endpoint = EndpointField::of(endpoint);
    query.kind = kind_of(protocol);
    ask(query, [reply = std::move(reply)](const Answer& answer) {
        const auto found = answer_as<NatLookupReply>(answer);
        if (!found) {
            reply(tl::unexpected{found.error()});
        } else if ((*found)->is_found == 0) {
            reply(std::optional<MappingModel>{});
        } else {
            reply(std::optional{mapping_model(**found)});
        }
        return true;
    });
}

void Controller::nat_list(std::uint64_t cursor, std::uint32_t limit, Reply<MappingPage> reply) {
    NatListQuery query;
    query.cursor = cursor;
    query.limit = std::clamp<std::uint32_t>(limit, 1, kMappingsPerReply);
    ask(query, [reply = std::move(reply)](const Answer& answer) {
        const auto page = answer_as<NatListReply>(answer);
        if (!page) {
            reply(tl::unexpected{page.error()});
            return true;
        }
        MappingPage model;
        model.next_cursor = (*page)->next_cursor;
        for (std::size_t i = 0; i < (*page)->count; ++i) {
            model.mappings.push_back(mapping_model((*page)->rows[i]));
        }
        reply(std::move(model));
        return true;
    });
}

void Controller::port_usage(Reply<std::vector<PortUsageModel>> reply) {
    ask(PortUsageQuery{}, [reply = std::move(reply),
                           rows = std::vector<PortUsageModel>{}](const Answer& answer) mutable {
        const auto part = answer_as<PortUsageReply>(answer);
        if (!part) {
            reply(tl::unexpected{part.error()});
            return true;
        }
        for (std::size_t i = 0; i < (*part)->part.count; ++i) {
            rows.push_back(port_usage_model((*part)->rows[i]));
        }
        if (rows.size() < (*part)->part.total && (*part)->part.count != 0) {
            return false;
        }
        reply(std::move(rows));
        return true;
    });
}

void Controller::neighbors(Reply<std::vector<NeighborModel>> reply) {
    ask(NeighborsQuery{}, [this, reply = std::move(reply),
                           rows = std::vector<NeighborModel>{}](const Answer& answer) mutable {
        const auto part = answer_as<NeighborsReply>(answer);
        if (!part) {
            reply(tl::unexpected{part.error()});
            return true;
        }
        for (std::size_t i = 0; i < (*part)->part.count; ++i) {
            rows.push_back(neighbor_model((*part)->rows[i], conversation_.running()));
        }
        if (rows.size() < (*part)->part.total && (*part)->part.count != 0) {
            return false;
        }
        reply(std::move(rows));
        return true;
    });
}

std::vector<TunnelModel> Controller::tunnels() const {
    return tunnel_models(*config_, tunnels_, awake_now());
}

void Controller::peer_list(std::uint64_t cursor, Reply<PeerPage> reply) {
    PeersQuery query;
    query.cursor = cursor;
    ask(query, [this, reply = std::move(reply)](const Answer& answer) {
        const auto page = answer_as<PeersReply>(answer);
        if (!page) {
            reply(tl::unexpected{page.error()});
        } else {
            reply(peer_page(**page, tunnels_, {awake_now(), unix_now()}));
        }
        return true;
    });
}

std::vector<TunnelKeysModel> Controller::tunnel_keys() const {
    return control::tunnel_keys(*config_);
}

RekeyModel Controller::rekey_all() {
    const Tunnels::Rekeyed rekeyed = tunnels_.rekey_all();
    return {rekeyed.asked, rekeyed.unreachable};
}

CheckResult Controller::check(const std::string& text) const {
    const config::Loaded loaded = config::load_text(text, config::read_file, config::find_device);
    CheckResult result;
    result.ok = loaded.is_valid();
    for (const config::Diagnostic& diagnostic : loaded.diagnostics) {
        (diagnostic.severity == config::Severity::error ? result.errors : result.warnings)
            .push_back(config::to_string(diagnostic, "config"));
    }
    return result;
}

ReloadResult Controller::load_again() {
    config::Loaded loaded = config::load_file(request_.config_file, config::find_device);
    ReloadResult result;
    result.ok = loaded.is_valid();
    for (const config::Diagnostic& diagnostic : loaded.diagnostics) {
        (diagnostic.severity == config::Severity::error ? result.errors : result.warnings)
            .push_back(config::to_string(diagnostic, request_.config_file));
    }
    last_reload_error_ = result.ok ? "" : result.errors.front();
    if (!result.ok) {
        return result;
    }
    if (loaded.config.management != served_) {
        result.needs_restart.push_back({"management", false});
    }
    if (loaded.config.nat.json_log != config_->nat.json_log) {
        result.applied.push_back({"nat.log", true});
    }
    for (const std::string& tunnel : std::exchange(changed_by_tool_, {})) {
        result.warnings.push_back("wireguard." + tunnel +
                                  ": what the wg tool changed is undone: the file is in force");
    }
    const std::vector<std::string> of_peers = peer_differences(*config_, loaded.config);
    for (const std::string& line : of_peers) {
        result.applied.push_back({line, true});
    }
    if (conversation_.applied() && !before_reload_) {
        before_reload_ = config_;
    }
    config_ = std::make_shared<const config::Config>(std::move(loaded.config));
    serve_tool();
    if (conversation_.running() && conversation_.applied()) {
        const StartSettings& running = *conversation_.running();
        if (const Outcome<World> desired = desired_world(*config_, running)) {
            for (std::string& name :
                 live_differences(*conversation_.applied(), *desired, running)) {
                const bool is_told = std::any_of(
                    of_peers.begin(), of_peers.end(),
                    [&](const std::string& line) { return line.starts_with(name + ": "); });
                if (!is_told) {
                    result.applied.push_back({std::move(name), true});
                }
            }
        }
        for (std::string& name :
             restart_differences(running, desired_start(*config_, request_.instance))) {
            result.needs_restart.push_back({std::move(name), false});
        }
    }
    return result;
}

void Controller::reload(Reply<ReloadResult> reply) {
    ReloadResult result = load_again();
    if (!result.ok) {
        for (const std::string& error : result.errors) {
            log_line(kProgram, error);
        }
        log_line(kProgram, "the running configuration is untouched");
    }
    if (result.ok && is_hung()) {
        is_config_waiting_ = true;
        boost::asio::post(loop_, [reply = std::move(reply)] {
            reply(fail(ExitCode::unreachable,
                       "the data plane does not answer: the new configuration is valid but not in "
                       "force; the data plane gets it as soon as it answers"));
        });
        return;
    }
    if (!result.ok || !client_.is_connected()) {
        if (result.ok) {
            result.warnings.push_back("the data plane is not running: applied when it is back");
            put_in_force("reload");
        }
        boost::asio::post(loop_, [reply = std::move(reply), result = std::move(result)]() mutable {
            reply(std::move(result));
        });
        return;
    }
    reloads_.push_back({monotonic_now() + kReloadTime, std::move(result), std::move(reply)});
    // After this call, so that the reply never comes from inside it.
    boost::asio::post(loop_, [this] { put_in_force("reload"); });
}

void Controller::finish_reloads(const std::string& refusal) {
    for (PendingReload& pending : std::exchange(reloads_, {})) {
        pending.result.generation = conversation_.generation();
        if (!refusal.empty()) {
            pending.result.ok = false;
            pending.result.errors.push_back(refusal);
            pending.result.applied.clear();
            last_reload_error_ = refusal;
        }
        pending.reply(std::move(pending.result));
    }
}

void Controller::give_up_reloads() {
    is_reload_open_ = true;
    for (const PendingReload& pending : std::exchange(reloads_, {})) {
        pending.reply(fail(ExitCode::unreachable,
                           "the data plane does not answer: the new configuration is valid and was "
                           "sent to it; whether it is in force is not known before it answers"));
    }
}

}  // namespace towpath::control
