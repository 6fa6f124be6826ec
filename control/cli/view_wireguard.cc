// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <vector>

#include "control/cli/field.h"
#include "control/cli/view.h"

namespace towpath::control::cli {
namespace {

namespace json = boost::json;

// The words and the order of lines are those of wireguard-tools.
std::string peer_block(const json::value& peer, const Palette& palette) {
    const auto line = [&palette](const char* label, const std::string& value) {
        return "  " + palette.paint(Color::bold, label) + ": " + value + "\n";
    };
    std::string text = palette.paint(Color::yellow, "peer") + ": " +
                       palette.paint(Color::yellow, text_at(peer, "/public_key")) + "\n";
    if (flag_at(peer, "/has_preshared_key")) {
        text += line("preshared key", "(hidden)");
    }
    if (const std::string endpoint = text_at(peer, "/endpoint"); !endpoint.empty()) {
        text += line("endpoint", endpoint);
    }
    const std::string allowed = words_at(peer, "/allowed_ips", ", ");
    text += line("allowed ips", allowed.empty() ? "(none)" : allowed);
    if (count_at(peer, "/latest_handshake_s") != 0) {
        text += line("latest handshake", long_ago(count_at(peer, "/handshake_age_s")));
    }
    const std::uint64_t received = count_at(peer, "/receive_bytes");
    const std::uint64_t sent = count_at(peer, "/transmit_bytes");
    if (received + sent != 0) {
        text +=
            line("transfer", binary_bytes(received) + " received, " + binary_bytes(sent) + " sent");
    }
    if (const std::uint64_t every_s = count_at(peer, "/persistent_keepalive_s"); every_s != 0) {
        const std::string ago = long_ago(every_s);
        text += line("persistent keepalive", "every " + ago.substr(0, ago.rfind(" ago")));
    }
    return text;
}

// The latest handshake first, as `wg show` has them.
std::vector<json::value> sorted_peers(const json::value& answer, const std::string& tunnel) {
    std::vector<json::value> peers;
    for (const json::value& peer : list_at(answer, "/peers")) {
        if (text_at(peer, "/tunnel") == tunnel) {
            peers.push_back(peer);
        }
    }
    std::stable_sort(peers.begin(), peers.end(), [](const auto& left, const auto& right) {
        return count_at(left, "/latest_handshake_s") > count_at(right, "/latest_handshake_s");
    });
    return peers;
}

std::string label_of(const json::value& peer) {
    constexpr std::size_t kShown = 10;
    const std::string name = text_at(peer, "/name");
    return name.empty() ? text_at(peer, "/public_key").substr(0, kShown) + "..." : name;
}

std::string stranger_line(const json::value& tunnel, const json::value& stranger) {
    const bool has_key = text_at(stranger, "/reason") == "unknown_key";
    const std::uint64_t count = count_at(stranger, "/count");
    return "note  " + text_at(tunnel, "/name") + ": " + text_at(stranger, "/endpoint") +
           (has_key ? " calls with a key that no peer has, " + text_at(stranger, "/public_key")
                    : " calls, but not our public key") +
           " (" + (count == 1 ? "once, " : grouped(count) + " times, last ") +
           duration(count_at(stranger, "/age_s")) + " ago)\n";
}

}  // namespace

std::string show_wireguard(const json::value& answer, const Palette& palette) {
    std::string text;
    for (const json::value& tunnel : list_at(answer, "/tunnels")) {
        const auto line = [&](const char* label, const std::string& value) {
            return "  " + palette.paint(Color::bold, label) + ": " + value + "\n";
        };
        const std::string name = text_at(tunnel, "/name");
        text += (text.empty() ? "" : "\n") + palette.paint(Color::green, "interface") + ": " +
                palette.paint(Color::green, name) + "\n";
        if (const std::string key = text_at(tunnel, "/public_key"); !key.empty()) {
            text += line("public key", key) + line("private key", "(hidden)");
        }
        text += line("listening port", std::to_string(count_at(tunnel, "/listen_port")));
        for (const json::value& peer : sorted_peers(answer, name)) {
            text += "\n" + peer_block(peer, palette);
        }
    }
    return text;
}

std::string show_peers(const json::value& answer, const Palette&) {
    Table table{{Align::left, Align::left, Align::left, Align::left, Align::right, Align::right,
                 Align::right, Align::left}};
    table.row({"NAME", "TUNNEL", "STATE", "ENDPOINT", "HANDSHAKE", "RX", "TX", ""});
    const json::array& peers = list_at(answer, "/peers");
    for (const json::value& peer : peers) {
        const std::string endpoint = text_at(peer, "/endpoint");
        const std::string reason = text_at(peer, "/reason");
        const bool was_up = count_at(peer, "/latest_handshake_s") != 0;
        table.row({label_of(peer), text_at(peer, "/tunnel"), text_at(peer, "/state"),
                   endpoint.empty() ? "-" : endpoint,
                   was_up ? duration(count_at(peer, "/handshake_age_s")) : "-",
                   binary_bytes(count_at(peer, "/receive_bytes")),
                   binary_bytes(count_at(peer, "/transmit_bytes")),
                   reason.empty() ? "" : "why: " + reason});
    }
    std::string text = peers.empty() ? "no peers\n" : table.text();
    for (const json::value& tunnel : list_at(answer, "/tunnels")) {
        for (const json::value& stranger : list_at(tunnel, "/strangers")) {
            text += stranger_line(tunnel, stranger);
        }
    }
    return text;
}

std::string show_rekeyed(const json::value& answer, const Palette&) {
    const std::uint64_t asked = count_at(answer, "/asked");
    const std::uint64_t unreachable = count_at(answer, "/unreachable");
    std::string text =
        grouped(asked) + (asked == 1 ? " peer was" : " peers were") + " asked for a new handshake";
    if (unreachable != 0) {
        text += "; of " + grouped(unreachable) + (unreachable == 1 ? " other" : " others") +
                " no endpoint is known";
    }
    return text + "\n";
}

}  // namespace towpath::control::cli
