// SPDX-License-Identifier: BSD-3-Clause
#include "control/reconcile/conversation.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "control/reconcile/desired.h"
#include "dataplane/contract/framing.h"

namespace towpath::control {
namespace {

using namespace contract;

constexpr Duration kAnswerTime = std::chrono::seconds{2};
// EAL, hugepages, ports and tables.
constexpr Duration kStartTime = std::chrono::seconds{60};
// Building and publishing tables of the largest size on a busy machine.
constexpr Duration kApplyTime = std::chrono::seconds{20};

// Those are somebody else's to hear.
bool is_about_peers(MessageType what) noexcept {
    return what >= MessageType::peers_begin && what <= MessageType::handshake_send;
}

template <class M>
SendDatagram send_of(const M& message) {
    const auto bytes = bytes_of(message);
    return {Datagram{bytes.begin(), bytes.end()}};
}

}  // namespace

void Conversation::on_config(std::shared_ptr<const config::Config> config, Now now,
                             ActionList& out) {
    config_ = std::move(config);
    switch (state_) {
        case State::steady:
        case State::stuck:
            program(now, out);
            break;
        case State::starting:
            if (!running_) {
                begin_start(now, out);
                break;
            }
            [[fallthrough]];
        case State::asking:
        case State::programming:
            is_config_newer_ = true;
            break;
        case State::disconnected:
        case State::greeting:
            break;
    }
}

void Conversation::on_connected(Now now, ActionList& out) {
    state_ = State::greeting;
    HelloControl hello;
    hello.build.set(kBuild);
    out.emplace_back(send_of(hello));
    expect_within(kAnswerTime, now);
}

void Conversation::on_closed() {
    state_ = State::disconnected;
    deadline_.reset();
    running_.reset();
    applied_.reset();
    stated_.reset();
    is_config_newer_ = false;
}

void Conversation::on_wake(Now now, ActionList& out) {
    if (deadline_ && now >= *deadline_) {
        deadline_.reset();
        out.emplace_back(CloseConnection{"the data plane does not answer"});
    }
}

void Conversation::on_message(const Upward::View& message, Now now, ActionList& out) {
    std::visit([&](const auto* m) { on(*m, now, out); }, message);
}

void Conversation::on(const HelloDataplane& message, Now now, ActionList& out) {
    if (state_ != State::greeting) {
        return;
    }
    if (message.start_id != start_id_) {
        start_id_ = message.start_id;
        out.emplace_back(DataplaneChanged{message.start_id, message.build.str()});
    }
    // Numbers rise over restarts of this process too.
    generation_ = std::max(generation_, message.generation);
    begin_start(now, out);
}

void Conversation::begin_start(Now now, ActionList& out) {
    state_ = State::starting;
    is_config_newer_ = false;
    if (!config_) {
        deadline_.reset();
        return;
    }
    Start start;
    start.settings = desired_start(*config_, instance_);
    running_ = start.settings;  // if it is accepted
    out.emplace_back(send_of(start));
    expect_within(kStartTime, now);
}

void Conversation::on(const Started&, Now now, ActionList& out) {
    if (state_ == State::starting) {
        program(now, out);
    }
}

void Conversation::on(const StartReply& message, Now now, ActionList& out) {
    if (state_ == State::asking) {
        running_ = message.settings;
        program(now, out);
    }
}

void Conversation::on(const StartFailed& message, Now, ActionList& out) {
    // It ends by itself; the connection closes.
    const auto code = message.exit_code <= static_cast<std::uint32_t>(ExitCode::contract_mismatch)
                          ? static_cast<ExitCode>(message.exit_code)
                          : ExitCode::failed;
    out.emplace_back(StartRefused{Failure{code, message.sentence.str()}});
}

void Conversation::program(Now now, ActionList& out) {
    is_config_newer_ = false;
    is_reason_known_ = false;
    deadline_.reset();
    Outcome<World> desired = desired_world(*config_, *running_);
    if (!desired) {
        state_ = State::stuck;
        out.emplace_back(WorldRefused{desired.error().sentence});
        return;
    }
    for (Datagram& datagram : state_messages(applied_, *desired, *running_)) {
        out.emplace_back(SendDatagram{std::move(datagram)});
    }
    stated_ = std::move(*desired);
    Commit commit;
    commit.generation = ++generation_;
    out.emplace_back(send_of(commit));
    state_ = State::programming;
    expect_within(kApplyTime, now);
}

void Conversation::on(const Applied& message, Now now, ActionList& out) {
    if (state_ != State::programming || message.generation != generation_) {
        return;
    }
    applied_ = std::exchange(stated_, std::nullopt);
    state_ = State::steady;
    deadline_.reset();
    out.emplace_back(WorldApplied{message.generation, message.has_changed != 0});
    if (is_config_newer_) {
        program(now, out);
    }
}

void Conversation::on(const Refused& message, Now now, ActionList& out) {
    if (message.closes != 0) {
        out.emplace_back(WorldRefused{message.sentence.str()});
        return;
    }
    if (state_ == State::starting && message.what == MessageType::start) {
        state_ = State::asking;
        out.emplace_back(send_of(StartQuery{}));
        expect_within(kAnswerTime, now);
        return;
    }
    if (state_ != State::programming || is_about_peers(message.what)) {
        return;
    }
    // The first refusal says why; that of the commit follows and ends the attempt.
    if (!std::exchange(is_reason_known_, true)) {
        out.emplace_back(WorldRefused{message.sentence.str()});
    }
    if (message.what != MessageType::commit) {
        return;
    }
    stated_.reset();
    state_ = State::stuck;
    deadline_.reset();
    if (is_config_newer_) {
        program(now, out);
    }
}

std::vector<std::string> Conversation::held_back() const {
    if (!running_ || !config_) {
        return {};
    }
    return restart_differences(*running_, desired_start(*config_, instance_));
}

}  // namespace towpath::control
