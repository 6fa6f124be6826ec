// SPDX-License-Identifier: BSD-3-Clause
// What WireGuard's standard tool asks and changes. A change is in force until the configuration is
// read again (decisions.md W10).
#include <algorithm>
#include <utility>

#include "control/loop/clock.h"
#include "control/loop/controller.h"
#include "control/loop/log.h"
#include "control/uapi/apply.h"

namespace towpath::control {
namespace {

constexpr std::string_view kProgram = "towpath-control";

}  // namespace

void Controller::serve_tool() {
    std::vector<std::string> names;
    for (const config::Tunnel& tunnel : config_->tunnels) {
        names.push_back(tunnel.name);
    }
    tool_.serve(names);
}

void Controller::on_tool(const std::string& tunnel, const std::string& request,
                         uapi::Respond respond) {
    uapi::Request asked = uapi::parse(request);
    if (const auto* const refusal = std::get_if<uapi::Refusal>(&asked)) {
        respond(uapi::answer(*refusal));
    } else if (auto* const change = std::get_if<uapi::TunnelChange>(&asked)) {
        change_tunnel(tunnel, *change, std::move(respond));
    } else {
        gather_peers(tunnel, 0, {}, std::move(respond));
    }
}

// Page after page. Without a data plane there are no figures, but still a configuration.
void Controller::gather_peers(const std::string& tunnel, std::uint64_t cursor,
                              std::vector<PeerModel> peers, uapi::Respond respond) {
    peer_list(cursor, [this, tunnel, peers = std::move(peers),
                       respond = std::move(respond)](Outcome<PeerPage> page) mutable {
        if (page) {
            std::copy_if(page->peers.begin(), page->peers.end(), std::back_inserter(peers),
                         [&tunnel](const PeerModel& peer) { return peer.tunnel == tunnel; });
            if (page->next_cursor != 0) {
                gather_peers(tunnel, page->next_cursor, std::move(peers), std::move(respond));
                return;
            }
        }
        const config::Tunnel* const settings = config_->find_tunnel(tunnel);
        respond(settings == nullptr ? uapi::answer(uapi::Refusal::input_output)
                                    : uapi::answer(*settings, peers));
    });
}

void Controller::change_tunnel(const std::string& tunnel, const uapi::TunnelChange& change,
                               uapi::Respond respond) {
    if (is_hung()) {
        respond(uapi::answer(uapi::Refusal::input_output));
        return;
    }
    config::Config changed = *config_;
    const uapi::Refusal refusal = uapi::apply(change, tunnel, changed);
    if (refusal != uapi::Refusal::none || changed == *config_) {
        respond(uapi::answer(refusal));
        return;
    }
    const auto before =
        std::exchange(config_, std::make_shared<const config::Config>(std::move(changed)));
    if (change.mark.value_or(0) != 0) {
        log_line(kProgram, tunnel + ": the mark that wg set asks for is not used");
    }
    changed_by_tool_.insert(tunnel);
    if (client_.is_connected()) {
        const bool has_other_port =
            before->find_tunnel(tunnel)->listen_port != config_->find_tunnel(tunnel)->listen_port;
        ReloadResult pending;
        pending.ok = true;
        reloads_.push_back({monotonic_now() + kReloadTime, std::move(pending),
                            [this, before, has_other_port,
                             respond = std::move(respond)](const Outcome<ReloadResult>& result) {
                                if (result && !result->ok) {
                                    config_ = before;
                                    last_reload_error_.clear();
                                    put_in_force("what was before the wg tool's change");
                                }
                                respond(uapi::answer(!result      ? uapi::Refusal::input_output
                                                     : result->ok ? uapi::Refusal::none
                                                     : has_other_port
                                                         ? uapi::Refusal::address_in_use
                                                         : uapi::Refusal::invalid));
                            }});
    } else {
        respond(uapi::answer(uapi::Refusal::none));
    }
    put_in_force("the wg tool, for " + tunnel);
}

void Controller::put_in_force(const std::string& who) {
    asked_by_ = who;
    ActionList actions;
    tunnels_.on_config(config_);
    conversation_.on_config(config_, monotonic_now(), actions);
    carry_out(actions);
}

}  // namespace towpath::control
