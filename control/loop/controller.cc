// SPDX-License-Identifier: BSD-3-Clause
#include "control/loop/controller.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "control/loop/clock.h"
#include "control/loop/log.h"
#include "control/observe/run_lines.h"
#include "control/reconcile/route_list.h"
#include "dataplane/contract/framing.h"

namespace towpath::control {
namespace {

using namespace contract;

constexpr std::string_view kProgram = "towpath-control";
constexpr std::chrono::milliseconds kTick{100};
constexpr std::uint32_t kTicksPerPoll = 10;  // status and counters once a second
constexpr std::uint32_t kPollsPerLookAtNextHops = 3;
constexpr Duration kQuestionTime = std::chrono::seconds{2};

// What is applied unless somebody here asked for it.
constexpr const char* kOfDataplane = "a new connection to the data plane";

constexpr const char* kNotKept =
    ": should the clock have gone back at a start, peers refuse our calls until it is right";

std::string seconds_of(Duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) +
           " s";
}

}  // namespace

Controller::Controller(boost::asio::io_context& loop, ControllerRequest request,
                       config::Config config)
    : loop_{loop},
      tick_timer_{loop},
      request_{std::move(request)},
      config_{std::make_shared<const config::Config>(std::move(config))},
      served_{config_->management},
      conversation_{request_.instance},
      nat_log_{request_.instance, STDERR_FILENO},
      client_{loop,
              request_.contract_socket,
              {[this] {
                   ActionList actions;
                   conversation_.on_connected(monotonic_now(), actions);
                   carry_out(actions);
               },
               [this](std::span<const std::byte> bytes) { on_received(bytes); },
               [this](const std::string& why) { on_closed(why); }}},
      resolver_{loop},
      kept_timestamp_{request_.state_directory},
      tunnels_{tunnel_io(), random_, kept_timestamp()},
      tool_{loop, request_.tool_folder,
            [this](const std::string& tunnel, const std::string& asked, uapi::Respond respond) {
                on_tool(tunnel, asked, std::move(respond));
            },
            [](const std::string& text) { log_line(kProgram, text); }} {}

TunnelIo Controller::tunnel_io() {
    return {.send = [this](Datagram datagram) { client_.send(std::move(datagram)); },
            .log = [](const std::string& text) { log_line(kProgram, text); },
            .resolve =
                [this](const std::string& name, std::function<void(IpAddress)> done) {
                    resolver_.resolve(name, std::move(done));
                },
            .moment =
                [] {
                    return wireguard::Moment{awake_now(), unix_now()};
                },
            .keep =
                [this](wireguard::Timestamp sent) {
                    const Outcome<void> written = kept_timestamp_.write(sent);
                    if (!written) {
                        log_line(kProgram, written.error().sentence + kNotKept);
                    }
                    return written.has_value();
                }};
}

wireguard::Timestamp Controller::kept_timestamp() const {
    const Outcome<wireguard::Timestamp> kept = kept_timestamp_.read();
    if (!kept) {
        log_line(kProgram, kept.error().sentence + kNotKept);
    }
    return kept.value_or(wireguard::Timestamp{});
}

void Controller::start() {
    started_at_ = monotonic_now();
    asked_by_ = "start";
    ActionList actions;
    conversation_.on_config(config_, started_at_, actions);
    tunnels_.on_config(config_);
    carry_out(actions);
    serve_tool();
    client_.start();
    tick();
}

void Controller::stop() {
    tick_timer_.cancel();
    resolver_.stop();
    tunnels_.on_end();
    tool_.serve({});
    client_.stop();
}

void Controller::on_received(std::span<const std::byte> bytes) {
    const Result<Upward::View> message = decode_upward(bytes);
    if (!message) {
        last_refusal_ = message.error() == Error::bad_version
                            ? "the data plane is of another build: restart both"
                            : "the data plane sent something that is no message";
        client_.close(last_refusal_);
        return;
    }
    const Now now = monotonic_now();
    on_heard(now);
    const std::uint32_t request = peek_header(bytes).value_or(Header{}).request;
    if (const auto question = questions_.find(request); question != questions_.end()) {
        if (question->second.take(*message)) {
            questions_.erase(request);
        }
        return;
    }
    std::visit(
        [this, now](const auto* m) {
            if constexpr (requires { snapshot_.on(*m); }) {
                snapshot_.on(*m);
            } else if constexpr (requires { snapshot_.on(*m, now); }) {
                snapshot_.on(*m, now);
            }
        },
        *message);
    watch_links(*message);
    describe(*message);
    tunnels_.on_message(*message);
    if (const auto* const batch = std::get_if<const EventBatch*>(&*message)) {
        nat_log_.on(**batch, {now, utc_now_s()});
    }
    if (const auto* const started = std::get_if<const Started*>(&*message);
        started != nullptr && !(*started)->notes.view().empty()) {
        log_line(kProgram, "the data plane started: " + (*started)->notes.str());
    }
    ActionList actions;
    conversation_.on_message(*message, now, actions);
    carry_out(actions);
}

void Controller::describe(const Upward::View& message) {
    const auto* const ports = std::get_if<const InterfacesReply*>(&message);
    const bool is_last =
        ports != nullptr && (*ports)->part.offset + (*ports)->part.count == (*ports)->part.total;
    if (is_last && conversation_.applied() && !std::exchange(is_described_, true)) {
        log_line(kProgram, running_line(status(), interfaces(), tunnels()));
    }
}

void Controller::on_closed(const std::string& why) {
    // Before anything was in force there is nothing to miss: a data plane that cannot start says
    // so.
    if (!why.empty() && conversation_.applied()) {
        log_line(kProgram, "disconnected: " + why);
    }
    conversation_.on_closed();
    tunnels_.on_closed();
    has_given_up_ = false;
    pulse_.on_closed();
    hand_over_config();
    hears_events_ = false;
    // A continuation may ask again: those go into the new map.
    auto questions = std::exchange(questions_, {});
    for (auto& [request, question] : questions) {
        question.take(fail(ExitCode::unreachable, why));
    }
}

void Controller::carry_out(ActionList& actions) {
    for (Action& action : actions) {
        std::visit([this](auto& one) { on_action(one); }, action);
    }
}

void Controller::on_action(DataplaneChanged& action) {
    dataplane_restarts_ += dataplane_start_id_ != 0 ? 1 : 0;
    dataplane_start_id_ = action.start_id;
    dataplane_build_ = std::move(action.build);
    snapshot_.forget();
    links_.forget();
    next_hops_.forget();
    is_described_ = false;
    nat_log_.forget();
}

void Controller::on_action(WorldApplied& action) {
    last_refusal_.clear();
    before_reload_.reset();
    is_reload_open_ = false;
    client_.settle();
    log_line(kProgram, "generation " + std::to_string(action.generation) +
                           (action.has_changed ? " applied" : " already in force") + " (" +
                           std::exchange(asked_by_, kOfDataplane) + ")");
    for (const std::string& name : conversation_.held_back()) {
        log_line(kProgram, name + " differs from the running data plane: restart needed");
    }
    listen_for_events();
    poll();
    tunnels_.on_world_applied(*conversation_.running());
    finish_reloads({});
}

void Controller::on_action(WorldRefused& action) {
    log_line(kProgram, "refused: " + action.sentence);
    last_refusal_ = action.sentence;
    if (std::exchange(is_reload_open_, false)) {
        last_reload_error_ = action.sentence;
    }
    finish_reloads(action.sentence);
    // What is in force stays so for everybody who asks for the configuration, too.
    if (auto before = std::exchange(before_reload_, nullptr)) {
        config_ = std::move(before);
        serve_tool();
        put_in_force("what was before the refusal");
    }
}

// The data plane says it on its own standard error and ends; a second line would only repeat it.
void Controller::on_action(StartRefused& action) {
    last_refusal_ = action.failure.sentence;
}

std::optional<std::uint32_t> Controller::admit(std::function<bool(const Answer&)> take) {
    Outcome<void> possible;
    if (is_hung()) {
        possible = fail(ExitCode::unreachable, "the data plane does not answer");
    } else if (!client_.is_connected() || !conversation_.running()) {
        possible = fail(ExitCode::unreachable, "the data plane is not running");
    } else if (questions_.size() >= kQuestionsMax) {
        possible = fail(ExitCode::failed, "too many questions at once");
    }
    if (!possible) {
        boost::asio::post(loop_, [take = std::move(take), failure = possible.error()] {
            take(tl::unexpected{failure});
        });
        return std::nullopt;
    }
    const std::uint32_t request = next_request_++;
    next_request_ += next_request_ == 0 ? 1 : 0;  // 0 is what unasked messages carry
    questions_[request] = {monotonic_now() + kQuestionTime, std::move(take)};
    return request;
}

// Once on a connection; and once more when the log begins, which is told what exists.
void Controller::listen_for_events() {
    const bool begins = nat_log_.turn(config_->nat.json_log == config::JsonLog::standard_error);
    if (!std::exchange(hears_events_, true) || begins) {
        tell(EventsSubscribe{});
    }
}

void Controller::poll() {
    // What it was asked before its silence it answers when it wakes: more would only fill the
    // queue.
    if (!client_.is_connected() || !conversation_.running() || pulse_.is_silent()) {
        return;
    }
    const auto state = conversation_.state();
    const bool is_reapplying = state == Conversation::State::programming && conversation_.applied();
    if (state != Conversation::State::steady && state != Conversation::State::stuck &&
        !is_reapplying) {
        return;
    }
    pulse_.on_asked(monotonic_now());
    if (!snapshot_.has_reasons()) {
        tell(ReasonsQuery{});
    }
    tell(StatusQuery{});
    tell(CountersQuery{});
    tell(InterfacesQuery{});
    if (++polls_ % kPollsPerLookAtNextHops == 0) {
        look_at_next_hops();
    }
}

void Controller::look_at_next_hops() {
    neighbors([this](const Outcome<std::vector<NeighborModel>>& neighbors) {
        const auto has_failed = [](const NeighborModel& one) { return one.state == "failed"; };
        if (!neighbors || (next_hops_.dead().empty() &&
                           std::none_of(neighbors->begin(), neighbors->end(), has_failed))) {
            return;
        }
        for (const std::string& news : next_hops_.look(next_hops(*config_), *neighbors)) {
            log_line(kProgram, news);
        }
    });
}

void Controller::check_pulse(Now now) {
    const bool is_applying = conversation_.state() == Conversation::State::programming;
    if (pulse_.begins_silence(now,
                              is_applying ? Pulse::kSilenceWhileApplyingMax : Pulse::kSilenceMax)) {
        log_line(kProgram, "the data plane does not answer for " + seconds_of(pulse_.silence(now)) +
                               ": it may have stopped forwarding");
    }
}

void Controller::on_heard(Now now) {
    if (const std::optional<Duration> lasted = pulse_.on_heard(now)) {
        log_line(kProgram,
                 "the data plane answers again, after " + seconds_of(*lasted) + " of silence");
    }
    hand_over_config();
}

void Controller::hand_over_config() {
    if (std::exchange(is_config_waiting_, false)) {
        put_in_force("reload");
    }
}

void Controller::watch_links(const Upward::View& message) {
    if (!conversation_.running()) {
        return;
    }
    const StartSettings& running = *conversation_.running();
    const auto watch = [&](std::size_t id, bool is_up) {
        if (id >= running.port_count) {
            return;
        }
        if (const auto news = links_.on(id, is_up, running.ports[id].name.view())) {
            log_line(kProgram, *news);
        }
    };
    if (const auto* const change = std::get_if<const LinkChange*>(&message)) {
        watch((*change)->interface, (*change)->is_up != 0);
    } else if (const auto* const reply = std::get_if<const InterfacesReply*>(&message)) {
        for (std::size_t i = 0; i < (*reply)->part.count; ++i) {
            watch((*reply)->rows[i].id, (*reply)->rows[i].is_up != 0);
        }
    }
}

void Controller::tick() {
    const Now now = monotonic_now();
    ActionList actions;
    conversation_.on_wake(now, actions);
    carry_out(actions);
    for (auto question = questions_.begin(); question != questions_.end();) {
        if (now < question->second.deadline) {
            ++question;
            continue;
        }
        const auto take = std::move(question->second.take);
        question = questions_.erase(question);
        take(fail(ExitCode::unreachable, "the data plane did not answer within 2 s"));
    }
    check_pulse(now);
    if (!reloads_.empty() && (pulse_.is_silent() || now >= reloads_.front().deadline)) {
        give_up_reloads();
    }
    tunnels_.on_wake();
    if (++ticks_ % kTicksPerPoll == 0) {
        poll();
        memory_return_.look();
    }
    tick_timer_.expires_after(kTick);
    tick_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            tick();
        }
    });
}

}  // namespace towpath::control
