// SPDX-License-Identifier: BSD-3-Clause
// Control's end of the contract as a state machine: no socket, no clock. Whatever happens to the
// data plane or to this process, it ends in the same place: the data plane holds the desired world.
//
//   disconnected --connected--> greeting --hello--> starting --started--> programming
//   starting --refused, needs restart--> asking --start_reply--> programming
//   programming --applied--> steady;  steady --desired changed--> programming
//   programming --refused--> stuck (until the desired world changes or the connection ends)
//   any --closed, or no answer in time--> disconnected
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "config/config.h"
#include "control/reconcile/diff.h"
#include "dataplane/contract/messages.h"
#include "dataplane/contract/world_state.h"
#include "dataplane/wire/now.h"
#include "dataplane/wire/result.h"

namespace towpath::control {

struct SendDatagram {
    Datagram bytes;
};
// End the connection; on_closed follows.
struct CloseConnection {
    std::string why;
};
// A new data plane process (or the first).
struct DataplaneChanged {
    std::uint64_t start_id = 0;
    std::string build;
};
struct WorldApplied {
    std::uint64_t generation = 0;
    bool has_changed = false;
};
// What is desired is not in force, and why. What was in force stays.
struct WorldRefused {
    std::string sentence;
};
// The data plane could not start and ends.
struct StartRefused {
    Failure failure;
};
using Action = std::variant<SendDatagram, CloseConnection, DataplaneChanged, WorldApplied,
                            WorldRefused, StartRefused>;
using ActionList = std::vector<Action>;

class Conversation {
public:
    explicit Conversation(std::string instance) : instance_{std::move(instance)} {}

    enum class State : std::uint8_t {
        disconnected,
        greeting,
        starting,
        asking,
        programming,
        steady,
        stuck,
    };

    // The configuration to bring about, from now on.
    void on_config(std::shared_ptr<const config::Config> config, Now now, ActionList& out);
    void on_connected(Now now, ActionList& out);
    // Every datagram. Answers to queries are not for this machine and are left alone.
    void on_message(const contract::Upward::View& message, Now now, ActionList& out);
    void on_closed();
    // No answer in time: the connection is closed.
    void on_wake(Now now, ActionList& out);
    [[nodiscard]] std::optional<Now> next_wake() const noexcept { return deadline_; }

    [[nodiscard]] State state() const noexcept { return state_; }
    // What the data plane runs with; none before it said so on this connection.
    [[nodiscard]] const std::optional<contract::StartSettings>& running() const noexcept {
        return running_;
    }
    // What is known to be in force; none before the first `applied` of this connection.
    [[nodiscard]] const std::optional<contract::World>& applied() const noexcept {
        return applied_;
    }
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
    // What of the configuration needs a restart of the data plane, by name.
    [[nodiscard]] std::vector<std::string> held_back() const;

private:
    void on(const contract::HelloDataplane& message, Now now, ActionList& out);
    void on(const contract::Started& message, Now now, ActionList& out);
    void on(const contract::StartReply& message, Now now, ActionList& out);
    void on(const contract::StartFailed& message, Now now, ActionList& out);
    void on(const contract::Applied& message, Now now, ActionList& out);
    void on(const contract::Refused& message, Now now, ActionList& out);
    template <class Answer>
    void on(const Answer&, Now, ActionList&) {}

    void begin_start(Now now, ActionList& out);
    void program(Now now, ActionList& out);
    void expect_within(Duration duration, Now now) noexcept { deadline_ = now + duration; }

    std::string instance_;
    std::shared_ptr<const config::Config> config_;  // null before the first
    State state_ = State::disconnected;
    std::optional<Now> deadline_;
    std::uint64_t start_id_ = 0;
    std::uint64_t generation_ = 0;  // of the last commit sent
    std::optional<contract::StartSettings> running_;
    std::optional<contract::World> applied_;
    std::optional<contract::World> stated_;  // sent, not yet answered
    bool is_reason_known_ = false;           // why `stated_` is being refused has been said
    bool is_config_newer_ = false;           // changed while an answer was awaited
};

}  // namespace towpath::control
