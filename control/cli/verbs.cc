// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/verbs.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <ostream>
#include <thread>

#include "config/scalar.h"
#include "config/schema.h"
#include "control/cli/questions.h"
#include "control/cli/questions_wireguard.h"
#include "control/cli/text.h"

namespace towpath::control::cli {
namespace {

using Rest = std::span<const std::string>;

ExitCode refuse(const Streams& streams, const Failure& failure) {
    streams.error << "towpath: " << failure.sentence << "\n";
    return failure.exit_code;
}

ExitCode schema(const Arguments& arguments, Rest, const Streams& streams) {
    streams.out << (arguments.is_text ? config::reference_page() : config::json_schema());
    return ExitCode::ok;
}

ExitCode help(const Arguments&, Rest, const Streams& streams) {
    streams.out << usage();
    return ExitCode::ok;
}

// Reached only if main.cc did not take it.
ExitCode run_elsewhere(const Arguments&, Rest, const Streams& streams) {
    return refuse(streams,
                  {ExitCode::failed, "run is carried out by the program, not by the library"});
}

constexpr std::array kVerbs{
    Verb{"run", " --config FILE", "start both processes and keep them running", run_elsewhere},
    Verb{"status", "",
         "what the box is doing; exit code 1 unless it forwards, by at least one interface",
         status},
    Verb{"interfaces", "", "interfaces with their counters", interfaces},
    Verb{"drops", "", "what was dropped and why", drops},
    Verb{"routes", " [ADDRESS] [--limit N]", "where packets go, or those to an address", routes, 1},
    Verb{"neighbours", "", "next hops with their MAC, by ARP and neighbour discovery", neighbors},
    Verb{"nat show", " [--inside ADDRESS] [--limit N]", "mappings, of all hosts or of one",
         nat_show},
    Verb{"nat lookup", " ADDRESS:PORT[/udp|/tcp|/icmp]", "one mapping, by either of its endpoints",
         nat_lookup, 1},
    Verb{"nat ports", "", "ports of the pool addresses", nat_ports},
    Verb{"peers", "", "WireGuard peers, and why one is not up", peers},
    Verb{"wg show", " [NAME|all [dump]]", "tunnels and peers, as `wg show` has them", wg_show, 2},
    Verb{"wg export", " NAME [--with-private-key [--force]]", "a tunnel as a wg-quick file",
         wg_export, 1},
    Verb{"wg qr", " FILE [--force]", "a wg-quick file as a QR code, for a phone", wg_qr, 1},
    Verb{"wg rekey", " --all", "begin a new handshake with every peer", wg_rekey},
    Verb{"wg forget-timestamp", " PEER", "take handshakes again from a peer whose clock went back",
         wg_forget_timestamp, 1},
    Verb{"check", " [FILE]", "check a configuration; exit code 2 if it would be refused", check, 1},
    Verb{"reload", "",
         "apply the changed configuration file; exit code 1 if something was held back", reload},
    Verb{"schema", " [--text]", "the configuration's JSON Schema, or its reference page", schema},
    Verb{"metrics", " [--write FILE]", "the Prometheus page", metrics},
    Verb{"version", "", "versions of the client and of what runs", version},
    Verb{"help", "", "this page", help},
};

// The row whose words begin the command line, the longest first; null if there is none.
const Verb* find_verb(const std::vector<std::string>& words, std::size_t& length) {
    for (const std::size_t count : {std::size_t{2}, std::size_t{1}}) {
        if (words.size() < count) {
            continue;
        }
        const std::string name = count == 2 ? words[0] + " " + words[1] : words[0];
        for (const Verb& verb : kVerbs) {
            if (verb.name == name) {
                length = count;
                return &verb;
            }
        }
    }
    return nullptr;
}

// The words that follow `word` in commands of two words, as "show | lookup"; empty if none does.
std::string second_words(const std::string& word) {
    std::string list;
    for (const Verb& verb : kVerbs) {
        if (verb.name.starts_with(word + " ")) {
            list += (list.empty() ? "" : " | ") + std::string{verb.name.substr(word.size() + 1)};
        }
    }
    return list;
}

Failure unknown_verb(const std::vector<std::string>& words) {
    if (const std::string second = second_words(words.front());
        words.size() == 1 && !second.empty()) {
        return {ExitCode::usage, "'" + words.front() + "' is followed by " + second};
    }
    std::string asked;
    for (const std::string& word : words) {
        asked += (asked.empty() ? "" : " ") + word;
    }
    std::array<std::string_view, kVerbs.size()> names;
    for (std::size_t index = 0; index < names.size(); ++index) {
        names[index] = kVerbs[index].name;
    }
    const std::string_view meant = config::closest(asked, names);
    return {ExitCode::usage, "there is no command '" + asked + "'" +
                                 (meant.empty() ? "; towpath help lists them"
                                                : "; did you mean '" + std::string{meant} + "'?")};
}

}  // namespace

std::span<const Verb> verbs() noexcept {
    return kVerbs;
}

ExitCode execute(const Arguments& arguments, const Streams& streams) {
    if (arguments.is_help || arguments.words.empty()) {
        (arguments.is_help ? streams.out : streams.error) << usage();
        return arguments.is_help ? ExitCode::ok : ExitCode::usage;
    }
    std::size_t length = 0;
    const Verb* verb = find_verb(arguments.words, length);
    if (verb == nullptr) {
        return refuse(streams, unknown_verb(arguments.words));
    }
    const Rest rest = Rest{arguments.words}.subspan(length);
    if (rest.size() > verb->words_max) {
        return refuse(streams, {ExitCode::usage, "'" + std::string{verb->name} +
                                                     "' does not take '" + rest.back() + "'"});
    }
    if (!arguments.watch_s) {
        return verb->carry_out(arguments, rest, streams);
    }
    for (;;) {
        if (streams.is_terminal) {
            streams.out << "\033[H\033[2J";
        }
        const ExitCode exit_code = verb->carry_out(arguments, rest, streams);
        streams.out.flush();
        // An unreachable daemon may come back; a wrong question stays wrong.
        if (!streams.out || exit_code == ExitCode::usage) {
            return exit_code;
        }
        std::this_thread::sleep_for(std::chrono::duration<double>{*arguments.watch_s});
    }
}

std::string usage() {
    Table table{{Align::left, Align::left}};
    for (const Verb& verb : kVerbs) {
        table.row(
            {"  " + std::string{verb.name} + std::string{verb.arguments}, std::string{verb.help}});
    }
    return "usage: towpath [--run-dir DIR | --socket PATH] COMMAND [--json] [--watch [S]] "
           "[--no-color]\n\n" +
           table.text() +
           "\nexit codes: 0 done; 1 not done, held back or unhealthy; 2 wrong command line or "
           "configuration;\n  3 no answer; 4 refused for safety; 5 no permission; 6 a port could "
           "not be opened; 7 no memory;\n  8 already running; 9 no such core; 10 address in use; "
           "11 control and data plane differ\n";
}

}  // namespace towpath::control::cli
