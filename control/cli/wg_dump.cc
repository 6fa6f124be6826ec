// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/wg_dump.h"

#include <map>
#include <utility>

#include "control/cli/field.h"

namespace towpath::control::cli {
namespace {

namespace json = boost::json;

std::string or_none(const std::string& text) {
    return text.empty() ? "(none)" : text;
}

struct Secrets {
    std::map<std::string, std::string> private_keys;                            // by tunnel
    std::map<std::pair<std::string, std::string>, std::string> preshared_keys;  // and by peer

    explicit Secrets(const json::value& keys) {
        for (const json::value& tunnel : list_at(keys, "/tunnels")) {
            const std::string name = text_at(tunnel, "/name");
            private_keys[name] = text_at(tunnel, "/private_key");
            for (const json::value& peer : list_at(tunnel, "/peers")) {
                preshared_keys[{name, text_at(peer, "/public_key")}] =
                    text_at(peer, "/preshared_key");
            }
        }
    }
};

std::string peer_line(const json::value& peer, const std::string& preshared_key) {
    const std::uint64_t keepalive_s = count_at(peer, "/persistent_keepalive_s");
    return text_at(peer, "/public_key") + "\t" + or_none(preshared_key) + "\t" +
           or_none(text_at(peer, "/endpoint")) + "\t" +
           or_none(words_at(peer, "/allowed_ips", ",")) + "\t" +
           std::to_string(count_at(peer, "/latest_handshake_s")) + "\t" +
           std::to_string(count_at(peer, "/receive_bytes")) + "\t" +
           std::to_string(count_at(peer, "/transmit_bytes")) + "\t" +
           (keepalive_s == 0 ? "off" : std::to_string(keepalive_s)) + "\n";
}

}  // namespace

std::string dump(const json::value& shown, const json::value& keys, bool has_names) {
    Secrets secrets{keys};
    std::string text;
    for (const json::value& tunnel : list_at(shown, "/tunnels")) {
        const std::string name = text_at(tunnel, "/name");
        const std::string prefix = has_names ? name + "\t" : "";
        text += prefix + or_none(secrets.private_keys[name]) + "\t" +
                or_none(text_at(tunnel, "/public_key")) + "\t" +
                std::to_string(count_at(tunnel, "/listen_port")) + "\toff\n";
        for (const json::value& peer : list_at(shown, "/peers")) {
            if (text_at(peer, "/tunnel") == name) {
                text +=
                    prefix +
                    peer_line(peer, secrets.preshared_keys[{name, text_at(peer, "/public_key")}]);
            }
        }
    }
    return text;
}

std::string wg_quick(const json::value& shown, const json::value& keys) {
    Secrets secrets{keys};
    const bool has_keys = !keys.is_null();
    std::string text = "[Interface]\n";
    for (const json::value& tunnel : list_at(shown, "/tunnels")) {
        text += has_keys ? "PrivateKey = " + secrets.private_keys[text_at(tunnel, "/name")] + "\n"
                         : "# PrivateKey is left out: --with-private-key writes it\n";
        text += "ListenPort = " + std::to_string(count_at(tunnel, "/listen_port")) + "\n";
        if (const std::string addresses = words_at(tunnel, "/addresses", ", ");
            !addresses.empty()) {
            text += "Address = " + addresses + "\n";
        }
    }
    for (const json::value& peer : list_at(shown, "/peers")) {
        const std::string key = text_at(peer, "/public_key");
        const std::string name = text_at(peer, "/name");
        text +=
            "\n[Peer]\n" + (name.empty() ? "" : "# " + name + "\n") + "PublicKey = " + key + "\n";
        if (flag_at(peer, "/has_preshared_key")) {
            text += has_keys ? "PresharedKey = " +
                                   secrets.preshared_keys[{text_at(peer, "/tunnel"), key}] + "\n"
                             : "# PresharedKey is left out\n";
        }
        if (const std::string allowed = words_at(peer, "/allowed_ips", ", "); !allowed.empty()) {
            text += "AllowedIPs = " + allowed + "\n";
        }
        if (const std::string endpoint = text_at(peer, "/endpoint"); !endpoint.empty()) {
            text += "Endpoint = " + endpoint + "\n";
        }
        if (const std::uint64_t every_s = count_at(peer, "/persistent_keepalive_s"); every_s != 0) {
            text += "PersistentKeepalive = " + std::to_string(every_s) + "\n";
        }
    }
    return text;
}

}  // namespace towpath::control::cli
