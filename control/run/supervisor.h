// SPDX-License-Identifier: BSD-3-Clause
// `towpath run`: starts towpathd and towpath-control as children, starts again what dies, and ends
// with them. For a quick start and for tests; systemd does the same in production. Children hold
// PR_SET_PDEATHSIG, so they end even if this process is killed.
#pragma once

#include <string>
#include <vector>

#include "dataplane/wire/result.h"

namespace towpath::control {

struct RunRequest {
    std::string config_file;
    std::string run_directory;    // resolved
    std::string state_directory;  // of control; resolved
    std::string instance = "towpath";
    std::string aead = "automatic";  // of towpathd
    // Empty: beside the running program, else in PATH.
    std::string dataplane_program;
    std::string control_program;
};

// Blocks until SIGTERM or SIGINT (both children end within 2 s, then ok), or until a child cannot
// start: then its exit code with an empty sentence, because the child has said why. SIGHUP goes to
// control, which reads the configuration again. Other failures: already_running, a binary that is
// nowhere. Changes the signal mask of the calling thread, which must be the only one.
[[nodiscard]] Outcome<void> supervise(const RunRequest& request);

// The verb: arguments behind `run` (--config FILE, --run-dir DIR, --state-dir DIR,
// --instance NAME, --aead CODE). Prints what is
// to be said and returns how the process ends.
[[nodiscard]] int run(const std::vector<std::string>& arguments);

}  // namespace towpath::control
