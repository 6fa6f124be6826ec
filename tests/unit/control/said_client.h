// SPDX-License-Identifier: BSD-3-Clause
// The client as a function: from words to what it says.
#pragma once

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "control/cli/verbs.h"

namespace towpath::control {

struct Said {
    ExitCode exit_code = ExitCode::ok;
    std::string out;
    std::string error;
};

// Where what it says goes.
enum class To { pipe, terminal, public_file };

inline Said client(std::vector<std::string> words, To where = To::pipe) {
    std::ostringstream out;
    std::ostringstream error;
    const auto arguments = cli::parse_arguments(std::move(words));
    if (!arguments) {
        return {arguments.error().exit_code, "", arguments.error().sentence};
    }
    const ExitCode exit_code =
        cli::execute(*arguments, {out, error, where == To::terminal, where == To::public_file});
    return {exit_code, out.str(), error.str()};
}

}  // namespace towpath::control
