// SPDX-License-Identifier: BSD-3-Clause
// towpath-control: reads the configuration, brings the data plane to hold it, serves the API. Runs
// until SIGTERM or SIGINT; SIGHUP reads the configuration again.
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/program_options.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <sstream>
#include <string>

#include "config/devices.h"
#include "config/load.h"
#include "control/api/api_server.h"
#include "control/loop/controller.h"
#include "control/loop/log.h"
#include "dataplane/contract/run_directory.h"
#include "dataplane/contract/version.h"

namespace {

using namespace towpath;

constexpr std::string_view kProgram = "towpath-control";

struct Options {
    std::string config_file;
    std::string run_directory;
    std::string state_directory;
    std::string instance;
    bool wants_version = false;
    bool wants_help = false;
};

Outcome<Options> parse_options(int argument_count, const char* const* arguments) {
    namespace po = boost::program_options;
    Options options;
    po::options_description description{"options"};
    description.add_options()("config", po::value(&options.config_file), "configuration file")(
        "run-dir", po::value(&options.run_directory), "run directory")(
        "state-dir", po::value(&options.state_directory),
        "what outlives a restart of the machine (default /var/lib/towpath-control)")(
        "instance", po::value(&options.instance)->default_value("towpath"), "instance name")(
        "version", po::bool_switch(&options.wants_version), "print the version and end")(
        "help,h", po::bool_switch(&options.wants_help), "print this page and end");
    try {
        po::variables_map values;
        po::store(po::command_line_parser(argument_count, arguments)
                      .options(description)
                      .positional({})
                      .run(),
                  values);
        po::notify(values);
    } catch (const po::error& error) {
        return fail(ExitCode::usage, error.what());
    }
    if (options.wants_help) {
        std::ostringstream page;
        page << description;
        std::printf("usage: towpath-control --config FILE [options]\n%s", page.str().c_str());
        return options;
    }
    if (options.config_file.empty() && !options.wants_version) {
        return fail(ExitCode::usage, "--config FILE is needed");
    }
    return options;
}

void on_signal(boost::asio::signal_set& signals, control::Controller& controller,
               boost::asio::io_context& loop) {
    signals.async_wait([&](const boost::system::error_code& error, int number) {
        if (error) {
            return;
        }
        if (number != SIGHUP) {
            control::log_line(kProgram,
                              std::string{number == SIGTERM ? "stops: SIGTERM" : "stops: SIGINT"} +
                                  ", " + controller.stopped_line());
            controller.stop();
            loop.stop();
            return;
        }
        controller.reload([](const Outcome<control::ReloadResult>& outcome) {
            if (!outcome) {
                control::log_line(kProgram, outcome.error().sentence);
                return;
            }
            for (const control::ChangeModel& change : outcome->needs_restart) {
                control::log_line(kProgram, change.what + " needs a restart");
            }
        });
        on_signal(signals, controller, loop);
    });
}

Outcome<void> run(const Options& options) {
    const std::string directory = contract::run_directory(options.run_directory);
    config::Loaded loaded = config::load_file(options.config_file, config::find_device);
    const std::string diagnostics = config::to_string(loaded.diagnostics, options.config_file);
    std::fputs(diagnostics.c_str(), stderr);
    if (!loaded.is_valid()) {
        return fail(ExitCode::usage, options.config_file + " is not a valid configuration");
    }
    const auto lock = contract::RunLock::acquire(directory, contract::kControlLock);
    if (!lock) {
        return tl::unexpected{lock.error()};
    }
    if (lock->was_cut_short()) {
        control::log_line(kProgram, contract::kCutShort);
    }
    control::log_line(kProgram, "starts: " + std::string{contract::kBuild} + ", " +
                                    options.config_file + ", run directory " + directory);
    boost::asio::io_context loop{1};
    boost::asio::signal_set signals{loop, SIGTERM, SIGINT, SIGHUP};
    const config::Management management = loaded.config.management;
    control::Controller controller{
        loop,
        {.config_file = options.config_file,
         .contract_socket = contract::contract_socket(directory),
         .instance = options.instance,
         .state_directory = control::state_directory(options.state_directory)},
        std::move(loaded.config)};
    const auto api = control::api::ApiServer::start(
        loop, controller,
        {management.api_socket.empty() ? contract::api_socket(directory) : management.api_socket,
         management.metrics});
    if (!api) {
        return tl::unexpected{api.error()};
    }
    on_signal(signals, controller, loop);
    controller.start();
    loop.run();
    return {};
}

}  // namespace

int main(int argument_count, char** arguments) {
    const Outcome<Options> options = parse_options(argument_count, arguments);
    Outcome<void> outcome;
    if (!options) {
        outcome = tl::unexpected{options.error()};
    } else if (options->wants_help) {
        return 0;
    } else if (options->wants_version) {
        std::printf("towpath-control %s, contract %u\n", contract::kBuild.data(),
                    contract::kContractVersion);
        return 0;
    } else {
        try {
            outcome = run(*options);
        } catch (const std::exception& error) {
            // What Asio throws when it cannot be set up at all: no descriptors, no memory.
            outcome = fail(ExitCode::failed, error.what());
        }
    }
    if (!outcome) {
        control::log_line(kProgram, outcome.error().sentence);
        return static_cast<int>(outcome.error().exit_code);
    }
    return 0;
}
