// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/questions_wireguard.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <ostream>
#include <utility>

#include "config/file.h"
#include "config/load.h"
#include "config/wg_quick.h"
#include "control/cli/asking.h"
#include "control/cli/field.h"
#include "control/cli/phone_file.h"
#include "control/cli/qr_code.h"
#include "control/cli/view.h"
#include "control/cli/wg_dump.h"

namespace towpath::control::cli {
namespace {

namespace json = boost::json;
using Rest = std::span<const std::string>;

Outcome<json::array> all_peers(const Arguments& arguments) {
    json::array peers;
    std::uint64_t cursor = 0;
    do {
        auto page =
            question(arguments, "GET", "/v1/wireguard/peers?cursor=" + std::to_string(cursor));
        if (!page) {
            return tl::unexpected{page.error()};
        }
        for (const json::value& peer : list_at(page->value, "/peers")) {
            peers.push_back(peer);
        }
        cursor = count_at(page->value, "/next_cursor");
    } while (cursor != 0);
    return peers;
}

json::array of_tunnel(const json::array& rows, const char* key, const std::string& tunnel) {
    json::array chosen;
    for (const json::value& row : rows) {
        if (tunnel == "all" || text_at(row, key) == tunnel) {
            chosen.push_back(row);
        }
    }
    return chosen;
}

// Tunnels and their peers, as {"schema", "tunnels", "peers"}: of one tunnel, or of "all".
Outcome<json::value> tunnels_and_peers(const Arguments& arguments, const std::string& tunnel) {
    const auto answer = question(arguments, "GET", "/v1/wireguard/tunnels");
    if (!answer) {
        return tl::unexpected{answer.error()};
    }
    json::array tunnels = of_tunnel(list_at(answer->value, "/tunnels"), "/name", tunnel);
    if (tunnels.empty() && tunnel != "all") {
        return fail(ExitCode::failed, "there is no tunnel '" + tunnel + "'");
    }
    json::array peers;
    if (!tunnels.empty()) {
        const auto all = all_peers(arguments);
        if (!all) {
            return tl::unexpected{all.error()};
        }
        peers = of_tunnel(*all, "/tunnel", tunnel);
    }
    return json::object{
        {"schema", 1}, {"tunnels", std::move(tunnels)}, {"peers", std::move(peers)}};
}

}  // namespace

ExitCode peers(const Arguments& arguments, Rest, const Streams& streams) {
    const auto answer = tunnels_and_peers(arguments, "all");
    if (!answer) {
        return refuse(streams, answer.error());
    }
    show(arguments, streams, *answer, show_peers);
    return ExitCode::ok;
}

ExitCode wg_show(const Arguments& arguments, Rest rest, const Streams& streams) {
    const std::string tunnel = rest.empty() ? "all" : rest.front();
    if (rest.size() > 1 && rest[1] != "dump") {
        return refuse(streams,
                      {ExitCode::usage, "wg show takes [NAME|all] [dump], not '" + rest[1] + "'"});
    }
    const auto answer = tunnels_and_peers(arguments, tunnel);
    if (!answer) {
        return refuse(streams, answer.error());
    }
    if (rest.size() < 2) {
        show(arguments, streams, *answer, show_wireguard);
        return ExitCode::ok;
    }
    const auto keys = question(arguments, "GET", "/v1/wireguard/keys");
    if (!keys) {
        return refuse(streams, keys.error());
    }
    streams.out << dump(*answer, keys->value, tunnel == "all");
    return ExitCode::ok;
}

ExitCode wg_export(const Arguments& arguments, Rest rest, const Streams& streams) {
    if (rest.empty()) {
        return refuse(streams, {ExitCode::usage, "wg export needs the name of a tunnel"});
    }
    const auto answer = tunnels_and_peers(arguments, rest.front());
    if (!answer) {
        return refuse(streams, answer.error());
    }
    json::value keys;
    if (arguments.has_private_keys && !arguments.is_forced &&
        (streams.is_terminal || streams.is_public_file)) {
        return refuse(streams,
                      {ExitCode::refused,
                       streams.is_terminal
                           ? "the private key would stay on the screen: write it to a file, or "
                             "--force"
                           : "others may read the file that the private key would be written to: "
                             "umask 077 and another file, or --force"});
    }
    if (arguments.has_private_keys) {
        auto secrets = question(arguments, "GET", "/v1/wireguard/keys");
        if (!secrets) {
            return refuse(streams, secrets.error());
        }
        keys = std::move(secrets->value);
    }
    streams.out << wg_quick(*answer, keys);
    return ExitCode::ok;
}

ExitCode wg_qr(const Arguments& arguments, Rest rest, const Streams& streams) {
    if (rest.empty()) {
        return refuse(streams, {ExitCode::usage, "wg qr needs a wg-quick file"});
    }
    const auto file = config::read_file(rest.front(), config::kFileBytesMax);
    if (!file) {
        return refuse(streams, {ExitCode::usage, rest.front() + file.error()});
    }
    // A phone would refuse it, with fewer words.
    const config::WgQuickFile parsed = config::parse_wg_quick(file->text);
    for (const config::Diagnostic& diagnostic : parsed.diagnostics) {
        if (diagnostic.severity == config::Severity::error) {
            return refuse(streams, {ExitCode::usage, config::to_string(diagnostic, rest.front())});
        }
    }
    if (!arguments.is_forced) {
        const auto own = question(arguments, "GET", "/v1/wireguard/tunnels");
        if (const std::string against = against_a_phone(parsed, own ? own->value : json::value{});
            !against.empty()) {
            return refuse(streams, {ExitCode::refused, rest.front() + against +
                                                           ". A phone needs a file and a key of "
                                                           "its own; --force shows this one"});
        }
    }
    const auto picture = qr_code(file->text);
    if (!picture) {
        return refuse(streams, picture.error());
    }
    streams.out << *picture;
    return ExitCode::ok;
}

ExitCode wg_rekey(const Arguments& arguments, Rest, const Streams& streams) {
    if (!arguments.is_all) {
        return refuse(streams, {ExitCode::usage, "wg rekey takes --all: it is for every peer"});
    }
    const auto answer = question(arguments, "POST", "/v1/wireguard/rekey");
    if (!answer) {
        return refuse(streams, answer.error());
    }
    show(arguments, streams, answer->value, show_rekeyed);
    return ExitCode::ok;
}

ExitCode wg_forget_timestamp(const Arguments& arguments, Rest rest, const Streams& streams) {
    if (rest.empty()) {
        return refuse(streams, {ExitCode::usage,
                                "wg forget-timestamp needs a peer's name, or the beginning of its "
                                "public key"});
    }
    const auto answer = question(arguments, "POST", "/v1/wireguard/forget-timestamp", rest.front());
    return answer ? ExitCode::ok : refuse(streams, answer.error());
}

}  // namespace towpath::control::cli
