// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/questions.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <fstream>
#include <ostream>

#include "config/devices.h"
#include "config/load.h"
#include "control/cli/asking.h"
#include "control/cli/client.h"
#include "control/cli/field.h"
#include "control/cli/view.h"
#include "dataplane/contract/version.h"
#include "dataplane/wire/address.h"

namespace towpath::control::cli {
namespace {

namespace json = boost::json;
using Rest = std::span<const std::string>;

json::object check_result(const config::Loaded& loaded, const std::string& file) {
    json::array errors;
    json::array warnings;
    for (const config::Diagnostic& diagnostic : loaded.diagnostics) {
        auto& list = diagnostic.severity == config::Severity::error ? errors : warnings;
        list.emplace_back(config::to_string(diagnostic, file));
    }
    return {{"schema", 1},
            {"ok", loaded.is_valid()},
            {"errors", std::move(errors)},
            {"warnings", std::move(warnings)}};
}

std::string counted(std::size_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

ExitCode status(const Arguments& arguments, Rest, const Streams& streams) {
    const auto answer = question(arguments, "GET", "/v1/status");
    if (!answer) {
        return refuse(streams, answer.error());
    }
    show(arguments, streams, answer->value, show_status);
    return is_healthy(answer->value) ? ExitCode::ok : ExitCode::failed;
}

ExitCode interfaces(const Arguments& arguments, Rest, const Streams& streams) {
    return get(arguments, streams, "/v1/interfaces", show_interfaces);
}

ExitCode drops(const Arguments& arguments, Rest, const Streams& streams) {
    return get(arguments, streams, "/v1/drops", show_drops);
}

ExitCode routes(const Arguments& arguments, Rest rest, const Streams& streams) {
    if (rest.empty()) {
        return get(arguments, streams, "/v1/routes?limit=" + std::to_string(arguments.limit),
                   show_routes);
    }
    const auto towards = parse_ip_address(rest.front());
    if (!towards) {
        return refuse(streams, {ExitCode::usage, rest.front() + " is not an address"});
    }
    const auto answer = question(arguments, "GET", "/v1/routes?to=" + to_string(*towards));
    if (!answer) {
        return refuse(streams, answer.error());
    }
    show(arguments, streams, answer->value, show_routes);
    return list_at(answer->value, "/routes").empty() ? ExitCode::failed : ExitCode::ok;
}

ExitCode neighbors(const Arguments& arguments, Rest, const Streams& streams) {
    return get(arguments, streams, "/v1/neighbours", show_neighbors);
}

ExitCode nat_ports(const Arguments& arguments, Rest, const Streams& streams) {
    return get(arguments, streams, "/v1/nat/ports", show_ports);
}

ExitCode nat_show(const Arguments& arguments, Rest, const Streams& streams) {
    constexpr std::size_t kPage = 1024;
    const bool is_of_one = !arguments.inside.empty();
    if (is_of_one && !parse_ipv4_address(arguments.inside)) {
        return refuse(streams, {ExitCode::usage, arguments.inside + " is not an IPv4 address"});
    }
    json::array mappings;
    std::uint64_t cursor = 0;
    bool has_more = false;
    do {
        // Of one host all pages are looked at: nobody knows where its mappings are.
        const std::size_t wanted =
            is_of_one ? kPage : std::min(kPage, arguments.limit - mappings.size());
        auto page = question(arguments, "GET",
                             "/v1/nat/mappings?cursor=" + std::to_string(cursor) +
                                 "&limit=" + std::to_string(wanted));
        if (!page) {
            return refuse(streams, page.error());
        }
        for (const json::value& mapping : list_at(page->value, "/mappings")) {
            if (is_of_one && !text_at(mapping, "/inside").starts_with(arguments.inside + ":")) {
                continue;
            }
            has_more = mappings.size() == arguments.limit;
            if (has_more) {
                break;
            }
            mappings.push_back(mapping);
        }
        cursor = count_at(page->value, "/next_cursor");
        // Of one host it is asked on until one more is found, or none.
    } while (cursor != 0 && !has_more && (is_of_one || mappings.size() < arguments.limit));
    has_more = has_more || cursor != 0;
    const json::object whole{
        {"schema", 1}, {"mappings", std::move(mappings)}, {"has_more", has_more}};
    show(arguments, streams, whole, show_mappings);
    return ExitCode::ok;
}

ExitCode nat_lookup(const Arguments& arguments, Rest rest, const Streams& streams) {
    if (rest.empty()) {
        return refuse(streams, {ExitCode::usage, "nat lookup needs ADDRESS:PORT[/PROTOCOL]"});
    }
    const std::string& asked = rest.front();
    const std::size_t slash = asked.find('/');
    const std::string endpoint = asked.substr(0, slash);
    const std::string protocol = slash == std::string::npos ? "udp" : asked.substr(slash + 1);
    // Only what may stand in a URL as it is; the API says what is wrong with the rest.
    constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyz0123456789.:";
    if ((endpoint + protocol).find_first_not_of(kPlain) != std::string::npos) {
        return refuse(streams, {ExitCode::usage, asked + " is not ADDRESS:PORT[/PROTOCOL]"});
    }
    const auto parsed =
        question(arguments, "GET", "/v1/nat/lookup?endpoint=" + endpoint + "&protocol=" + protocol);
    if (!parsed) {
        return refuse(streams, parsed.error());
    }
    show(arguments, streams, parsed->value, show_lookup);
    const json::value* mapping = parsed->value.as_object().if_contains("mapping");
    return mapping != nullptr && mapping->is_object() ? ExitCode::ok : ExitCode::failed;
}

ExitCode check(const Arguments& arguments, Rest rest, const Streams& streams) {
    std::string file = rest.empty() ? arguments.config : rest.front();
    if (file.empty()) {
        file = "/etc/towpath/towpath.yaml";
    }
    const config::Loaded loaded = config::load_file(file, config::find_device);
    if (arguments.is_json) {
        streams.out << json::serialize(check_result(loaded, file)) << "\n";
        return loaded.is_valid() ? ExitCode::ok : ExitCode::usage;
    }
    streams.out << config::to_string(loaded.diagnostics, file);
    const auto errors = static_cast<std::size_t>(std::count_if(
        loaded.diagnostics.begin(), loaded.diagnostics.end(),
        [](const config::Diagnostic& one) { return one.severity == config::Severity::error; }));
    const std::size_t warnings = loaded.diagnostics.size() - errors;
    if (loaded.diagnostics.empty()) {
        streams.out << file << ": ok\n";
    } else {
        streams.out << counted(errors, "error") << ", " << counted(warnings, "warning") << "\n";
    }
    return loaded.is_valid() ? ExitCode::ok : ExitCode::usage;
}

ExitCode reload(const Arguments& arguments, Rest, const Streams& streams) {
    const auto answer = question(arguments, "POST", "/v1/reload");
    if (!answer) {
        return refuse(streams, answer.error());
    }
    show(arguments, streams, answer->value, show_reload);
    if (!flag_at(answer->value, "/ok")) {
        return ExitCode::usage;
    }
    std::string held;
    std::string restarted = "towpath-control";
    for (const json::value& change : list_at(answer->value, "/needs_restart")) {
        const std::string what = text_at(change, "/what");
        held += (held.empty() ? "" : ", ") + what;
        // Control itself serves what stands under `management`.
        restarted = what == "management" ? restarted : "the data plane";
    }
    return held.empty() ? ExitCode::ok
                        : refuse(streams, {ExitCode::failed,
                                           "not applied: " + held + "; restart " + restarted});
}

ExitCode metrics(const Arguments& arguments, Rest, const Streams& streams) {
    const auto answer = ask(arguments.socket, "GET", "/metrics");
    if (!answer) {
        return refuse(streams, answer.error());
    }
    if (arguments.write.empty()) {
        streams.out << answer->body;
        return ExitCode::ok;
    }
    // A collector that reads meanwhile sees the old page or the new one, never half of one.
    const std::string draft = arguments.write + ".new";
    std::ofstream file{draft, std::ios::binary | std::ios::trunc};
    file << answer->body;
    file.close();
    if (!file || std::rename(draft.c_str(), arguments.write.c_str()) != 0) {
        return refuse(streams, {ExitCode::failed, arguments.write + " cannot be written"});
    }
    return ExitCode::ok;
}

ExitCode version(const Arguments& arguments, Rest, const Streams& streams) {
    // The client's own version is an answer also when nothing runs.
    const auto answer = question(arguments, "GET", "/v1/version");
    const std::string control = answer ? text_at(answer->value, "/control") : "";
    const std::string dataplane = answer ? text_at(answer->value, "/dataplane") : "";
    if (arguments.is_json) {
        streams.out << json::serialize(json::object{{"schema", 1},
                                                    {"client", std::string{contract::kBuild}},
                                                    {"control", control},
                                                    {"dataplane", dataplane}})
                    << "\n";
        return ExitCode::ok;
    }
    const auto shown = [](const std::string& text) {
        return text.empty() ? std::string{"not running"} : text;
    };
    streams.out << "towpath     " << contract::kBuild << "\n"
                << "control     " << shown(control) << "\n"
                << "data plane  " << shown(dataplane) << "\n";
    return ExitCode::ok;
}

}  // namespace towpath::control::cli
