// SPDX-License-Identifier: BSD-3-Clause
// The verbs of `towpath`, one row each, and what carries one out. Everything but `run`: main.cc
// hands that to the supervisor, so that this library needs none.
#pragma once

#include <iosfwd>
#include <span>
#include <string>
#include <string_view>

#include "control/cli/arguments.h"

namespace towpath::control::cli {

struct Streams {
    std::ostream& out;
    std::ostream& error;
    bool is_terminal = false;     // `out` is one
    bool is_public_file = false;  // `out` is a file that others may read
};

struct Verb {
    std::string_view name;       // "nat show"
    std::string_view arguments;  // " ENDPOINT[/PROTOCOL]"
    std::string_view help;
    // `rest` is what follows the verb.
    ExitCode (*carry_out)(const Arguments& arguments, std::span<const std::string> rest,
                          const Streams& streams);
    std::size_t words_max = 0;  // how many may follow
};

[[nodiscard]] std::span<const Verb> verbs() noexcept;

// Finds the verb and carries it out, again and again with --watch.
[[nodiscard]] ExitCode execute(const Arguments& arguments, const Streams& streams);

// The page of `towpath --help`.
[[nodiscard]] std::string usage();

}  // namespace towpath::control::cli
