// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/arguments.h"

#include <boost/program_options.hpp>
#include <cstdlib>

namespace towpath::control::cli {
namespace {

namespace options = boost::program_options;

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string{} : std::string{value};
}

options::options_description described(Arguments& arguments) {
    options::options_description description;
    description.add_options()  //
        ("help,h", options::bool_switch(&arguments.is_help))("version", options::bool_switch())(
            "json", options::bool_switch(&arguments.is_json))(
            "no-color", options::bool_switch(&arguments.is_plain))(
            "text", options::bool_switch(&arguments.is_text))(
            "all", options::bool_switch(&arguments.is_all))(
            "force", options::bool_switch(&arguments.is_forced))(
            "with-private-key", options::bool_switch(&arguments.has_private_keys))(
            "watch", options::value<double>())("socket", options::value(&arguments.socket))(
            "run-dir", options::value(&arguments.run_dir))(
            "config", options::value(&arguments.config))("write", options::value(&arguments.write))(
            "limit", options::value(&arguments.limit))("inside", options::value(&arguments.inside))(
            "words", options::value(&arguments.words));
    return description;
}

bool is_number(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789.") == std::string::npos;
}

// `--watch` alone is once a second; program_options would take the next word, whatever it is.
void complete_watch(std::vector<std::string>& command_line) {
    for (std::size_t index = 0; index < command_line.size(); ++index) {
        const bool has_value =
            index + 1 < command_line.size() && is_number(command_line[index + 1]);
        if (command_line[index] == "--watch" && !has_value) {
            command_line[index] = "--watch=1";
        }
    }
}

}  // namespace

Outcome<Arguments> parse_arguments(std::vector<std::string> command_line) {
    Arguments arguments;
    complete_watch(command_line);
    try {
        const options::options_description description = described(arguments);
        options::positional_options_description positional;
        positional.add("words", -1);
        options::variables_map values;
        options::store(options::command_line_parser{command_line}
                           .options(description)
                           .positional(positional)
                           .run(),
                       values);
        options::notify(values);
        if (values["version"].as<bool>()) {
            arguments.words = {"version"};
        }
        if (values.count("watch") != 0) {
            arguments.watch_s = values["watch"].as<double>();
        }
    } catch (const std::exception& failure) {
        return fail(ExitCode::usage, failure.what());
    }
    if (arguments.watch_s && (*arguments.watch_s < 0.1 || *arguments.watch_s > 3600)) {
        return fail(ExitCode::usage, "--watch takes 0.1 to 3600 seconds");
    }
    if (arguments.limit == 0) {
        return fail(ExitCode::usage, "--limit takes at least 1");
    }
    arguments.is_plain = arguments.is_plain || !environment("NO_COLOR").empty();
    if (arguments.run_dir.empty()) {
        arguments.run_dir = environment("TOWPATH_RUN_DIR");
    }
    if (arguments.run_dir.empty()) {
        arguments.run_dir = "/run/towpath";
    }
    if (arguments.socket.empty()) {
        arguments.socket = arguments.run_dir + "/api.sock";
    }
    return arguments;
}

}  // namespace towpath::control::cli
