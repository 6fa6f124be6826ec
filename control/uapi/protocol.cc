// SPDX-License-Identifier: BSD-3-Clause
#include "control/uapi/protocol.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <map>

#include "config/tunnel_scalar.h"

namespace towpath::control::uapi {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

std::optional<std::array<std::byte, 32>> parse_hex_key(std::string_view text) {
    std::array<std::byte, 32> key{};
    if (text.size() != 2 * key.size()) {
        return std::nullopt;
    }
    for (std::size_t index = 0; index < key.size(); ++index) {
        const char* const begin = text.data() + 2 * index;
        std::uint8_t value = 0;
        const auto [rest, failure] = std::from_chars(begin, begin + 2, value, 16);
        if (failure != std::errc{} || rest != begin + 2) {
            return std::nullopt;
        }
        key[index] = std::byte{value};
    }
    return key;
}

template <class Bytes>
std::string hex(const Bytes& key) {
    std::string text;
    for (const std::byte byte : key) {
        text += kHexDigits[std::to_integer<unsigned>(byte) >> 4U];
        text += kHexDigits[std::to_integer<unsigned>(byte) & 15U];
    }
    return text;
}

template <class Number>
bool take_number(std::optional<Number>& target, std::string_view text, int base = 10) {
    Number value = 0;
    const auto [rest, failure] =
        std::from_chars(text.data(), text.data() + text.size(), value, base);
    target = value;
    return failure == std::errc{} && rest == text.data() + text.size() && !text.empty();
}

bool take_flag(bool& target, std::string_view text) {
    target = true;
    return text == "true";
}

bool take_secret(std::optional<config::SecretKey>& target, std::string_view text) {
    const auto key = parse_hex_key(text);
    if (key) {
        target.emplace(*key);
    }
    return key.has_value();
}

// One key of a peer; false if the value is bad.
using TakePeerKey = bool (*)(PeerChange&, std::string_view);
using TakeTunnelKey = bool (*)(TunnelChange&, std::string_view);

bool take_endpoint(PeerChange& peer, std::string_view text) {
    const auto endpoint = parse_ip_endpoint(text);
    if (!endpoint || endpoint->port == Port{}) {
        return false;
    }
    peer.endpoint = *endpoint;
    return true;
}

bool take_allowed_ip(PeerChange& peer, std::string_view text) {
    const bool is_removed = text.starts_with('-');
    const auto prefix = parse_ip_prefix(text.substr(is_removed ? 1 : 0));
    if (!prefix) {
        return false;
    }
    peer.allowed_ips.push_back({*prefix, is_removed});
    return true;
}

const std::map<std::string_view, TakePeerKey>& peer_keys() {
    static const std::map<std::string_view, TakePeerKey> kKeys{
        {"remove",
         [](PeerChange& peer, std::string_view text) { return take_flag(peer.is_removed, text); }},
        {"update_only", [](PeerChange& peer,
                           std::string_view text) { return take_flag(peer.is_update_only, text); }},
        {"preshared_key",
         [](PeerChange& peer, std::string_view text) {
             return take_secret(peer.preshared_key, text);
         }},
        {"endpoint", take_endpoint},
        {"persistent_keepalive_interval",
         [](PeerChange& peer, std::string_view text) {
             return take_number(peer.persistent_keepalive_s, text);
         }},
        {"replace_allowed_ips",
         [](PeerChange& peer, std::string_view text) {
             return take_flag(peer.replaces_allowed_ips, text);
         }},
        {"allowed_ip", take_allowed_ip},
        {"protocol_version", [](PeerChange&, std::string_view text) { return text == "1"; }},
    };
    return kKeys;
}

const std::map<std::string_view, TakeTunnelKey>& tunnel_keys() {
    static const std::map<std::string_view, TakeTunnelKey> kKeys{
        {"private_key",
         [](TunnelChange& tunnel, std::string_view text) {
             return take_secret(tunnel.private_key, text);
         }},
        {"listen_port",
         [](TunnelChange& tunnel, std::string_view text) {
             return take_number(tunnel.listen_port, text);
         }},
        {"fwmark",
         [](TunnelChange& tunnel, std::string_view text) {
             const bool is_hex = text.starts_with("0x");
             return take_number(tunnel.mark, text.substr(is_hex ? 2 : 0), is_hex ? 16 : 10);
         }},
        {"replace_peers",
         [](TunnelChange& tunnel, std::string_view text) {
             return take_flag(tunnel.replaces_peers, text);
         }},
    };
    return kKeys;
}

bool take(TunnelChange& change, std::string_view key, std::string_view value) {
    if (key == "public_key") {
        const auto bytes = parse_hex_key(value);
        if (bytes) {
            change.peers.emplace_back().public_key = *bytes;
        }
        return bytes.has_value();
    }
    // Once a peer has begun, everything is about it.
    if (!change.peers.empty()) {
        const auto found = peer_keys().find(key);
        return found != peer_keys().end() && found->second(change.peers.back(), value);
    }
    const auto found = tunnel_keys().find(key);
    return found != tunnel_keys().end() && found->second(change, value);
}

Request parse_change(std::string_view text) {
    TunnelChange change;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos || equals == 0) {
            return Refusal::protocol;
        }
        if (!take(change, line.substr(0, equals), line.substr(equals + 1))) {
            return Refusal::invalid;
        }
    }
    return change;
}

}  // namespace

int error_number(Refusal refusal) noexcept {
    switch (refusal) {
        case Refusal::none:
            return 0;
        case Refusal::input_output:
            return -EIO;
        case Refusal::invalid:
            return -EINVAL;
        case Refusal::protocol:
            return -EPROTO;
        case Refusal::address_in_use:
            return -EADDRINUSE;
    }
    return -EINVAL;
}

Request parse(std::string_view text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view first = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (first == "get=1") {
        return text.empty() ? Request{Get{}} : Request{Refusal::protocol};
    }
    return first == "set=1" ? parse_change(text) : Request{Refusal::protocol};
}

std::string answer(const config::Tunnel& tunnel, const std::vector<PeerModel>& peers) {
    std::string text;
    const auto line = [&text](std::string_view key, const std::string& value) {
        text += std::string{key} + "=" + value + "\n";
    };
    if (!tunnel.private_key.is_zero()) {
        line("private_key", hex(tunnel.private_key.bytes()));
    }
    line("listen_port", std::to_string(tunnel.listen_port));
    std::map<std::string_view, const PeerModel*> by_key;
    for (const PeerModel& peer : peers) {
        by_key[peer.public_key] = &peer;
    }
    for (const config::Peer& settings : tunnel.peers) {
        const std::string key = config::to_base64(settings.public_key);
        const auto found = by_key.find(key);
        const PeerModel peer = found == by_key.end() ? PeerModel{} : *found->second;
        line("public_key", hex(settings.public_key));
        line("preshared_key", hex(settings.preshared_key.bytes()));
        line("protocol_version", "1");
        if (!peer.endpoint.empty()) {
            line("endpoint", peer.endpoint);
        }
        line("last_handshake_time_sec", std::to_string(peer.handshake_s));
        line("last_handshake_time_nsec", std::to_string(peer.handshake_nanoseconds));
        line("tx_bytes", std::to_string(peer.transmit_bytes));
        line("rx_bytes", std::to_string(peer.receive_bytes));
        line("persistent_keepalive_interval",
             std::to_string(settings.persistent_keepalive.count()));
        for (const IpPrefix& prefix : settings.allowed_ips) {
            line("allowed_ip", towpath::to_string(prefix));
        }
    }
    return text + answer(Refusal::none);
}

std::string answer(Refusal refusal) {
    return "errno=" + std::to_string(error_number(refusal)) + "\n\n";
}

}  // namespace towpath::control::uapi
