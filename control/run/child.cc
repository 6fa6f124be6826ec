// SPDX-License-Identifier: BSD-3-Clause
#include "control/run/child.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

namespace towpath::control {
namespace {

// Between fork and exec: system calls only.
[[noreturn]] void become(char* const* arguments, pid_t parent) noexcept {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) {
        ::_exit(static_cast<int>(ExitCode::failed));  // it died before the line above
    }
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execv(arguments[0], arguments);
    ::_exit(127);
}

bool is_program(const std::filesystem::path& path) {
    std::error_code error;
    return std::filesystem::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

Outcome<void> Child::start(Now now) {
    start_at.reset();
    std::vector<char*> pointers;
    for (std::string& argument : arguments_) {
        pointers.push_back(argument.data());
    }
    pointers.push_back(nullptr);
    const pid_t parent = ::getpid();
    const pid_t process = ::fork();
    if (process < 0) {
        const int error = errno;
        return fail(ExitCode::failed, "cannot start " + name_ + ": " + std::strerror(error));
    }
    if (process == 0) {
        become(pointers.data(), parent);
    }
    process_ = process;
    policy_.on_started(now);
    return {};
}

std::optional<ChildEnd> Child::reap() {
    int status = 0;
    if (process_ <= 0 || ::waitpid(process_, &status, WNOHANG) != process_) {
        return std::nullopt;
    }
    process_ = 0;
    if (WIFSIGNALED(status)) {
        return ChildEnd{true, WTERMSIG(status)};
    }
    return ChildEnd{false, WEXITSTATUS(status)};
}

void Child::signal(int number) const noexcept {
    if (process_ > 0) {
        ::kill(process_, number);
    }
}

std::optional<std::string> find_program(const std::string& program) {
    std::error_code error;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
    if (!error) {
        const std::filesystem::path folder = self.parent_path();
        // Installed side by side; or in a build tree, where each lies in the folder of its source.
        for (const auto& candidate :
             {folder / program, folder.parent_path() / program,
              folder.parent_path() / "dataplane" / program, folder / "dataplane" / program,
              folder.parent_path().parent_path() / "dataplane" / program,
              folder / "control" / program, folder.parent_path() / "control" / program}) {
            if (is_program(candidate)) {
                return candidate.lexically_normal().string();
            }
        }
    }
    const char* const path = std::getenv("PATH");
    std::string_view rest = path == nullptr ? "/usr/sbin:/usr/bin" : path;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(':'), rest.size());
        const std::filesystem::path candidate =
            std::filesystem::path{rest.substr(0, end)} / program;
        if (is_program(candidate)) {
            return candidate.string();
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return std::nullopt;
}

}  // namespace towpath::control
