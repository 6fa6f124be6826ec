// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/asking.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "control/cli/client.h"
#include "control/cli/field.h"

namespace towpath::control::cli {
namespace {

namespace json = boost::json;

ExitCode exit_code_of(unsigned http_status) {
    switch (http_status) {
        case 400:
            return ExitCode::usage;
        case 403:
            return ExitCode::no_permission;
        case 503:
            return ExitCode::unreachable;
        default:
            return ExitCode::failed;
    }
}

}  // namespace

ExitCode refuse(const Streams& streams, const Failure& failure) {
    streams.error << "towpath: " << failure.sentence << "\n";
    return failure.exit_code;
}

Outcome<Parsed> question(const Arguments& arguments, const std::string& method,
                         const std::string& target, const std::string& body) {
    auto answer = ask(arguments.socket, method, target, body);
    if (!answer) {
        return tl::unexpected{answer.error()};
    }
    json::error_code error;
    json::value value = json::parse(answer->body, error);
    if (error) {
        return fail(ExitCode::failed, "towpath-control answered with something else than JSON");
    }
    if (answer->status != 200 && answer->status != 422) {
        const std::string why = text_at(value, "/error");
        return fail(
            exit_code_of(answer->status),
            why.empty() ? "towpath-control answered " + std::to_string(answer->status) : why);
    }
    return Parsed{answer->status, std::move(value)};
}

void show(const Arguments& arguments, const Streams& streams, const json::value& value, Show view) {
    if (arguments.is_json) {
        streams.out << json::serialize(value) << "\n";
    } else {
        streams.out << view(value, Palette{streams.is_terminal && !arguments.is_plain});
    }
}

ExitCode get(const Arguments& arguments, const Streams& streams, const std::string& target,
             Show view) {
    const auto answer = question(arguments, "GET", target);
    if (!answer) {
        return refuse(streams, answer.error());
    }
    show(arguments, streams, answer->value, view);
    return ExitCode::ok;
}

}  // namespace towpath::control::cli
