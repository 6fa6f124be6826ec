// SPDX-License-Identifier: BSD-3-Clause
#include "control/run/supervisor.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include "control/loop/clock.h"
#include "control/loop/log.h"
#include "control/run/child.h"
#include "control/tunnels/kept_timestamp.h"
#include "dataplane/contract/run_directory.h"

namespace towpath::control {
namespace {

constexpr std::string_view kProgram = "towpath";
// From SIGTERM to SIGKILL; the whole end takes at most 2 s.
constexpr Duration kGrace = std::chrono::milliseconds{1800};

class SignalDescriptor {
public:
    // Blocks the signals, so that they arrive here alone.
    SignalDescriptor() noexcept {
        sigset_t signals;
        sigemptyset(&signals);
        for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) {
            sigaddset(&signals, number);
        }
        ::sigprocmask(SIG_BLOCK, &signals, &before_);
        descriptor_ = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    SignalDescriptor(const SignalDescriptor&) = delete;
    SignalDescriptor& operator=(const SignalDescriptor&) = delete;
    ~SignalDescriptor() {
        ::close(descriptor_);
        ::sigprocmask(SIG_SETMASK, &before_, nullptr);
    }
    [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }

    // Waits until a signal or `until`. The next signal, or 0.
    [[nodiscard]] int wait(std::optional<Now> until) const {
        const auto left = until ? std::chrono::ceil<std::chrono::milliseconds>(
                                      std::max(*until - monotonic_now(), Duration{}))
                                : std::chrono::milliseconds{-1};
        pollfd polled{descriptor_, POLLIN, 0};
        static_cast<void>(::poll(&polled, 1, static_cast<int>(left.count())));
        signalfd_siginfo info{};
        return ::read(descriptor_, &info, sizeof(info)) == sizeof(info)
                   ? static_cast<int>(info.ssi_signo)
                   : 0;
    }

private:
    int descriptor_ = -1;
    sigset_t before_{};
};

class Supervisor {
public:
    explicit Supervisor(std::array<Child, 2> children) : children_{std::move(children)} {}

    [[nodiscard]] Outcome<void> run() {
        for (Child& child : children_) {
            child.start_at = monotonic_now();
        }
        Outcome<void> outcome = start_due();
        while (outcome) {
            const int number = signals_.wait(next_start());
            if (number == SIGTERM || number == SIGINT) {
                break;
            }
            if (number == SIGHUP) {
                children_.back().signal(SIGHUP);
            }
            outcome = reap_all();
            if (outcome) {
                outcome = start_due();
            }
        }
        end_all();
        return outcome;
    }
    [[nodiscard]] bool is_ready() const noexcept { return signals_.is_open(); }

private:
    [[nodiscard]] Outcome<void> start_due() {
        for (Child& child : children_) {
            if (child.start_at && *child.start_at <= monotonic_now()) {
                if (Outcome<void> started = child.start(monotonic_now()); !started) {
                    return started;
                }
            }
        }
        return {};
    }
    [[nodiscard]] std::optional<Now> next_start() const noexcept {
        std::optional<Now> next;
        for (const Child& child : children_) {
            if (child.start_at && (!next || *child.start_at < *next)) {
                next = child.start_at;
            }
        }
        return next;
    }
    // A child that cannot start ends everything with its code.
    [[nodiscard]] Outcome<void> reap_all() {
        for (Child& child : children_) {
            const std::optional<ChildEnd> end = child.reap();
            if (!end) {
                continue;
            }
            child.start_at = child.policy().on_ended(*end, monotonic_now());
            if (!child.start_at) {
                return give_up(child, *end);
            }
            log_line(kProgram,
                     child.name() +
                         (end->was_killed ? " was ended by signal " : " ended with code ") +
                         std::to_string(end->exit_code) + ": starting it again");
        }
        return {};
    }
    [[nodiscard]] static Outcome<void> give_up(const Child& child, const ChildEnd& end) {
        if (end.exit_code == 127) {
            return fail(ExitCode::failed, child.name() + " cannot be executed");
        }
        const bool is_known =
            end.exit_code > 0 && end.exit_code <= static_cast<int>(ExitCode::contract_mismatch);
        if (is_known) {
            return fail(static_cast<ExitCode>(end.exit_code), {});
        }
        return fail(ExitCode::failed,
                    child.name() + " ended with code " + std::to_string(end.exit_code));
    }
    void end_all() {
        // Control first, so that it does not report the data plane's end as an accident.
        for (auto child = children_.rbegin(); child != children_.rend(); ++child) {
            child->signal(SIGTERM);
        }
        const Now deadline = monotonic_now() + kGrace;
        while (is_any_running() && monotonic_now() < deadline) {
            static_cast<void>(signals_.wait(deadline));
            for (Child& child : children_) {
                static_cast<void>(child.reap());
            }
        }
        for (Child& child : children_) {
            if (child.is_running()) {
                log_line(kProgram, child.name() + " does not end: killed");
                child.signal(SIGKILL);
                while (child.is_running()) {
                    static_cast<void>(
                        signals_.wait(monotonic_now() + std::chrono::milliseconds{20}));
                    static_cast<void>(child.reap());
                }
            }
        }
    }
    [[nodiscard]] bool is_any_running() const noexcept {
        return std::any_of(children_.begin(), children_.end(),
                           [](const Child& child) { return child.is_running(); });
    }

    SignalDescriptor signals_;
    std::array<Child, 2> children_;  // the data plane, then control
};

std::optional<std::string> program_or(const std::string& given, const std::string& name) {
    return given.empty() ? find_program(name) : given;
}

}  // namespace

Outcome<void> supervise(const RunRequest& request) {
    const std::optional<std::string> dataplane = program_or(request.dataplane_program, "towpathd");
    const std::optional<std::string> control =
        program_or(request.control_program, "towpath-control");
    if (!dataplane || !control) {
        return fail(ExitCode::failed, std::string{dataplane ? "towpath-control" : "towpathd"} +
                                          " is neither beside this program nor in PATH");
    }
    const auto lock = contract::RunLock::acquire(request.run_directory, contract::kSupervisorLock);
    if (!lock) {
        return tl::unexpected{lock.error()};
    }
    Supervisor supervisor{
        {Child{"towpathd",
               {*dataplane, "--run-dir", request.run_directory, "--instance", request.instance,
                "--aead", request.aead}},
         Child{"towpath-control",
               {*control, "--config", request.config_file, "--run-dir", request.run_directory,
                "--state-dir", request.state_directory, "--instance", request.instance}}}};
    if (!supervisor.is_ready()) {
        return fail(ExitCode::failed, std::string{"signalfd: "} + std::strerror(errno));
    }
    return supervisor.run();
}

int run(const std::vector<std::string>& arguments) {
    namespace po = boost::program_options;
    RunRequest request;
    std::string directory;
    po::options_description description{"towpath run"};
    description.add_options()("config", po::value(&request.config_file), "configuration file")(
        "run-dir", po::value(&directory), "run directory (default /run/towpath)")(
        "state-dir", po::value(&request.state_directory),
        "what outlives a restart of the machine (default /var/lib/towpath-control)")(
        "instance", po::value(&request.instance)->default_value(request.instance),
        "name of this instance")(
        "aead", po::value(&request.aead)->default_value(request.aead),
        "code that seals tunnels: automatic, ipsec_mb, avx2, avx512, avx512_ifma");
    Outcome<void> outcome;
    try {
        po::variables_map values;
        po::store(po::command_line_parser(arguments).options(description).positional({}).run(),
                  values);
        po::notify(values);
        request.run_directory = contract::run_directory(directory);
        request.state_directory = state_directory(request.state_directory);
        outcome = request.config_file.empty()
                      ? fail(ExitCode::usage, "run: --config FILE is needed")
                      : supervise(request);
    } catch (const po::error& error) {
        outcome = fail(ExitCode::usage, std::string{"run: "} + error.what());
    }
    if (outcome) {
        return 0;
    }
    if (!outcome.error().sentence.empty()) {
        log_line(kProgram, outcome.error().sentence);
    }
    return static_cast<int>(outcome.error().exit_code);
}

}  // namespace towpath::control
