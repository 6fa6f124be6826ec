// SPDX-License-Identifier: BSD-3-Clause
// The text protocol of WireGuard's standard tool (wireguard.md 16.1), so that `wg` works unchanged:
// requests into values, values into answers. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/tunnel.h"
#include "control/tunnel_model.h"

namespace towpath::control::uapi {

// What the tool is told in `errno=`, negative.
enum class Refusal : std::uint8_t { none, input_output, invalid, protocol, address_in_use };
[[nodiscard]] int error_number(Refusal refusal) noexcept;

struct AllowedIpChange {
    IpPrefix prefix;
    bool is_removed = false;
};

struct PeerChange {
    config::PublicKeyBytes public_key{};
    bool is_removed = false;
    bool is_update_only = false;  // nothing happens if the peer is not there
    bool replaces_allowed_ips = false;
    std::optional<config::SecretKey> preshared_key;  // zeros clear it
    std::optional<IpEndpoint> endpoint;
    std::optional<std::uint16_t> persistent_keepalive_s;
    std::vector<AllowedIpChange> allowed_ips;
};

struct TunnelChange {
    std::optional<config::SecretKey> private_key;  // zeros clear it
    std::optional<std::uint16_t> listen_port;      // 0: any
    std::optional<std::uint32_t> mark;
    bool replaces_peers = false;
    std::vector<PeerChange> peers;
};

struct Get {};
using Request = std::variant<Get, TunnelChange, Refusal>;

// `text` is a request up to the empty line that ends it, without that line.
[[nodiscard]] Request parse(std::string_view text);

// The whole answer to get=1. `peers` are those of this tunnel.
[[nodiscard]] std::string answer(const config::Tunnel& tunnel, const std::vector<PeerModel>& peers);
// The whole answer to set=1, or to anything refused.
[[nodiscard]] std::string answer(Refusal refusal);

}  // namespace towpath::control::uapi
