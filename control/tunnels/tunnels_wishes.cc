// SPDX-License-Identifier: BSD-3-Clause
// What an operator asks of peers.
#include <string>

#include "config/tunnel_scalar.h"
#include "control/tunnels/tunnels.h"

namespace towpath::control {
namespace {

constexpr std::size_t kKeyLetters_min = 6;

// Without the dots that tables put behind the beginning of a key.
std::string without_dots(const std::string& text) {
    return text.ends_with("...") ? text.substr(0, text.size() - 3) : text;
}

}  // namespace

Tunnels::Rekeyed Tunnels::rekey_all() {
    Rekeyed rekeyed;
    const wireguard::Moment moment = io_.moment();
    for (const auto& [number, peer] : book_.booked()) {
        if (Tunnel* const tunnel = tunnel_of(number); tunnel != nullptr) {
            wireguard::ActionList actions;
            const bool is_asked = tunnel->device.rekey(number, moment, actions);
            ++(is_asked ? rekeyed.asked : rekeyed.unreachable);
            carry_out(*tunnel, actions);
        }
    }
    return rekeyed;
}

Outcome<config::PublicKeyBytes> Tunnels::key_of(const std::string& peer) const {
    const std::string letters = without_dots(peer);
    const BookedPeer* found = nullptr;
    bool is_named = false;  // a name goes before the beginning of a key
    bool is_ambiguous = false;
    for (const auto& [number, booked] : book_.booked()) {
        const bool has_name = !peer.empty() && booked.settings->name == peer;
        const bool has_key = letters.size() >= kKeyLetters_min &&
                             config::to_base64(booked.settings->public_key).starts_with(letters);
        if (!has_name && (is_named || !has_key)) {
            continue;
        }
        if (has_name && !is_named) {
            is_ambiguous = false;
        } else if (found != nullptr) {
            is_ambiguous =
                is_ambiguous || found->settings->public_key != booked.settings->public_key;
        }
        is_named = has_name;
        found = &booked;
    }
    if (found == nullptr) {
        return fail(ExitCode::usage, "no peer is called '" + peer +
                                         "', nor does a public key begin so (6 letters at least)");
    }
    if (is_ambiguous) {
        return fail(ExitCode::usage,
                    "'" + peer + "' is more than one peer: more of its public key");
    }
    return found->settings->public_key;
}

Outcome<void> Tunnels::forget_timestamp(const std::string& peer) {
    const Outcome<config::PublicKeyBytes> key = key_of(peer);
    if (!key) {
        return tl::unexpected{key.error()};
    }
    for (const auto& [number, booked] : book_.booked()) {
        if (Tunnel* const tunnel = tunnel_of(number);
            tunnel != nullptr && booked.settings->public_key == *key) {
            tunnel->device.forget_timestamp(number);
        }
    }
    return {};
}

}  // namespace towpath::control
