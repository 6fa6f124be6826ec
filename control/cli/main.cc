// SPDX-License-Identifier: BSD-3-Clause
// towpath: what an operator types. `run` becomes the supervisor; every other verb asks and ends.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "control/cli/verbs.h"
#include "control/run/supervisor.h"

namespace {

using namespace towpath;
using control::cli::Arguments;

// What the supervisor's own command line is: everything but the verb.
std::vector<std::string> without_verb(std::vector<std::string> words) {
    const auto verb = std::find(words.begin(), words.end(), "run");
    if (verb != words.end()) {
        words.erase(verb);
    }
    return words;
}

// Whether what is written to standard output may be read by others than its owner.
bool is_public_file(int descriptor) {
    struct stat facts {};
    return ::fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode) &&
           (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

int carry_out(const std::vector<std::string>& command_line) {
    // `run` has options of its own, which only the supervisor knows.
    const bool is_run =
        std::find(command_line.begin(), command_line.end(), "run") != command_line.end();
    const auto arguments = control::cli::parse_arguments(command_line);
    if (is_run && (!arguments || (!arguments->is_help && !arguments->words.empty() &&
                                  arguments->words.front() == "run"))) {
        return control::run(without_verb(command_line));
    }
    if (!arguments) {
        std::cerr << "towpath: " << arguments.error().sentence << "\n";
        return static_cast<int>(arguments.error().exit_code);
    }
    const bool is_terminal = ::isatty(STDOUT_FILENO) == 1;
    const ExitCode exit_code = control::cli::execute(
        *arguments, {std::cout, std::cerr, is_terminal, is_public_file(STDOUT_FILENO)});
    std::cout.flush();
    return static_cast<int>(exit_code);
}

}  // namespace

int main(int argument_count, char** arguments) {
    try {
        return carry_out({arguments + 1, arguments + argument_count});
    } catch (const std::exception& failure) {
        std::cerr << "towpath: " << failure.what() << "\n";
        return static_cast<int>(ExitCode::failed);
    }
}
