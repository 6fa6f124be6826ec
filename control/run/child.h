// SPDX-License-Identifier: BSD-3-Clause
// One process that the supervisor keeps alive.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "control/run/restart_policy.h"
#include "dataplane/wire/result.h"

namespace towpath::control {

class Child {
public:
    // `arguments` begin with the program's path.
    Child(std::string name, std::vector<std::string> arguments)
        : name_{std::move(name)}, arguments_{std::move(arguments)} {}

    // Forks and executes; the child gets an empty signal mask and dies with the calling thread.
    [[nodiscard]] Outcome<void> start(Now now);
    // If the process has ended since the last call: how. Does not block.
    [[nodiscard]] std::optional<ChildEnd> reap();
    void signal(int number) const noexcept;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] bool is_running() const noexcept { return process_ > 0; }
    [[nodiscard]] RestartPolicy& policy() noexcept { return policy_; }
    // When to start it again; set by the supervisor.
    std::optional<Now> start_at;

private:
    std::string name_;
    std::vector<std::string> arguments_;
    pid_t process_ = 0;
    RestartPolicy policy_;
};

// The path of `program`: beside the running executable, else in the build tree around it, else in
// PATH. none: it is nowhere.
[[nodiscard]] std::optional<std::string> find_program(const std::string& program);

}  // namespace towpath::control
