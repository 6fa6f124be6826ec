// SPDX-License-Identifier: BSD-3-Clause
// `towpath run` with the real towpath-control and a data plane without packets: whatever is killed
// comes back and is programmed again, ends are clean, failures keep their exit code. Waits are for
// conditions, with a bound that only a failure reaches.
#include "control/run/supervisor.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "dataplane/contract/run_directory.h"

namespace towpath::control {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kPatience{10'000};

bool wait_until(const std::function<bool()>& condition, milliseconds patience = kPatience) {
    const auto deadline = Clock::now() + patience;
    while (!condition()) {
        if (Clock::now() >= deadline) {
            return false;
        }
        ::poll(nullptr, 0, 2);
    }
    return true;
}

class Supervision : public ::testing::Test {
protected:
    Supervision() {
        std::string pattern = ::testing::TempDir() + "towpath-run-XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
        request_.run_directory = directory_ + "/run";
        request_.dataplane_program = FAKE_DATAPLANE;
        request_.control_program = TOWPATH_CONTROL;
        request_.config_file = EXAMPLE_CONFIG;
    }
    ~Supervision() override {
        if (supervisor_ > 0) {
            ::kill(supervisor_, SIGTERM);
            ::waitpid(supervisor_, nullptr, 0);
        }
        std::filesystem::remove_all(directory_);
    }
    // A process of its own, because supervise() owns the signals of its process.
    pid_t spawn() const {
        const pid_t process = ::fork();
        if (process == 0) {
            const Outcome<void> outcome = supervise(request_);
            ::_exit(outcome ? 0 : static_cast<int>(outcome.error().exit_code));
        }
        return process;
    }
    void start() {
        supervisor_ = spawn();
        ASSERT_TRUE(wait_until([this] {
            return is_alive(holder(contract::kDataplaneLock)) &&
                   is_alive(holder(contract::kControlLock)) && has_api();
        }));
    }
    // The process that wrote its number into a lock; 0 before it did.
    pid_t holder(std::string_view lock) const {
        std::ifstream file{request_.run_directory + "/" + std::string{lock}};
        pid_t process = 0;
        file >> process;
        return process;
    }
    static bool is_alive(pid_t process) { return process > 0 && ::kill(process, 0) == 0; }
    // Answers an HTTP request on its socket.
    std::string ask(const std::string& path) const {
        const std::string socket = contract::api_socket(request_.run_directory);
        const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socket.copy(address.sun_path, sizeof(address.sun_path) - 1);
        std::string answer;
        if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) {
            const std::string request =
                "GET " + path + " HTTP/1.1\r\nHost: towpath\r\nConnection: close\r\n\r\n";
            static_cast<void>(!::write(descriptor, request.data(), request.size()));
            char buffer[4096];
            for (ssize_t got = 0; (got = ::read(descriptor, buffer, sizeof(buffer))) > 0;) {
                answer.append(buffer, static_cast<std::size_t>(got));
            }
        }
        ::close(descriptor);
        return answer;
    }
    bool has_api() const { return ask("/v1/status").find("\"forwarding\"") != std::string::npos; }
    int end_of(pid_t process) const {
        int status = 0;
        EXPECT_TRUE(wait_until([&] { return ::waitpid(process, &status, WNOHANG) == process; }));
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

    std::string directory_;
    RunRequest request_;
    pid_t supervisor_ = 0;
};

// N15: back and programmed without being asked; control is the same process throughout.
TEST_F(Supervision, KilledDataPlaneIsBackAndProgrammed) {
    start();
    const pid_t control = holder(contract::kControlLock);
    const pid_t before = holder(contract::kDataplaneLock);
    const auto killed_at = Clock::now();
    ::kill(before, SIGKILL);
    ASSERT_TRUE(wait_until([&] {
        const pid_t now = holder(contract::kDataplaneLock);
        return now != before && is_alive(now) &&
               ask("/v1/status").find("\"restarts\":1") != std::string::npos && has_api();
    }));
    EXPECT_LT(Clock::now() - killed_at, seconds{5});  // a loaded machine; alone it is 30 ms
    EXPECT_EQ(holder(contract::kControlLock), control);
}

TEST_F(Supervision, KilledControlIsBackAndTheDataPlaneUntouched) {
    start();
    const pid_t dataplane = holder(contract::kDataplaneLock);
    const pid_t before = holder(contract::kControlLock);
    ::kill(before, SIGKILL);
    ASSERT_TRUE(wait_until([&] {
        const pid_t now = holder(contract::kControlLock);
        return now != before && is_alive(now) && has_api();
    }));
    EXPECT_EQ(holder(contract::kDataplaneLock), dataplane);
    EXPECT_TRUE(is_alive(dataplane));
}

TEST_F(Supervision, TerminationEndsBothWithinTwoSeconds) {
    start();
    const pid_t dataplane = holder(contract::kDataplaneLock);
    const pid_t control = holder(contract::kControlLock);
    const auto asked_at = Clock::now();
    ::kill(supervisor_, SIGTERM);
    EXPECT_EQ(end_of(supervisor_), 0);
    EXPECT_LT(Clock::now() - asked_at, seconds{2});
    EXPECT_FALSE(is_alive(dataplane));
    EXPECT_FALSE(is_alive(control));
    EXPECT_FALSE(std::filesystem::exists(contract::contract_socket(request_.run_directory)));
    EXPECT_FALSE(std::filesystem::exists(contract::api_socket(request_.run_directory)));
    supervisor_ = 0;
}

// N16: children die with the supervisor.
TEST_F(Supervision, KilledSupervisorTakesItsChildrenWithIt) {
    start();
    const pid_t dataplane = holder(contract::kDataplaneLock);
    const pid_t control = holder(contract::kControlLock);
    ::kill(supervisor_, SIGKILL);
    ::waitpid(supervisor_, nullptr, 0);
    supervisor_ = 0;
    const auto is_gone = [](pid_t process) {
        // Nobody of ours reaps an orphan; a zombie has no command line.
        std::ifstream file{"/proc/" + std::to_string(process) + "/cmdline"};
        return file.peek() == std::ifstream::traits_type::eof();
    };
    EXPECT_TRUE(wait_until([&] { return is_gone(dataplane) && is_gone(control); }));
}

TEST_F(Supervision, SecondInstanceIsRefused) {
    start();
    EXPECT_EQ(end_of(spawn()), static_cast<int>(ExitCode::already_running));
    EXPECT_TRUE(is_alive(holder(contract::kDataplaneLock)));
}

TEST_F(Supervision, FailedStartIsPassedOn) {
    ::setenv("TOWPATH_FAKE_EXIT", "6", 1);
    const pid_t supervisor = spawn();
    ::unsetenv("TOWPATH_FAKE_EXIT");
    EXPECT_EQ(end_of(supervisor), static_cast<int>(ExitCode::port_unavailable));
}

TEST_F(Supervision, WrongConfigurationIsPassedOn) {
    request_.config_file = directory_ + "/missing.yaml";
    EXPECT_EQ(end_of(spawn()), static_cast<int>(ExitCode::usage));
}

}  // namespace
}  // namespace towpath::control
