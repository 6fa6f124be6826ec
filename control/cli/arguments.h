// SPDX-License-Identifier: BSD-3-Clause
// The command line of `towpath` as a value.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataplane/wire/result.h"

namespace towpath::control::cli {

inline constexpr std::size_t kShownMappingsDefault = 1000;

struct Arguments {
    std::vector<std::string> words;  // the verb and what follows it
    std::string run_dir;             // --run-dir, TOWPATH_RUN_DIR, /run/towpath
    std::string socket;              // --socket, or api.sock in the run directory
    std::string config;              // --config
    std::string write;               // --write
    std::string inside;              // --inside
    std::optional<double> watch_s;   // --watch [s]
    std::size_t limit = kShownMappingsDefault;
    bool is_json = false;
    bool is_plain = false;  // --no-color or NO_COLOR
    bool is_text = false;   // --text
    bool is_help = false;
    bool is_all = false;            // --all
    bool has_private_keys = false;  // --with-private-key
    bool is_forced = false;         // --force
};

// Environment variables are read here and nowhere else.
[[nodiscard]] Outcome<Arguments> parse_arguments(std::vector<std::string> command_line);

}  // namespace towpath::control::cli
