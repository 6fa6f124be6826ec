// SPDX-License-Identifier: BSD-3-Clause
// One interface of the `wireguard:` section as values (operator.md 5.3; decisions.md W8 to W13;
// wireguard.md section 16). Part of config.h, which says what holds for all of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/secret_key.h"
#include "dataplane/wire/ip_address.h"

namespace towpath::config {

inline constexpr std::size_t kTunnelsMax = 16;
inline constexpr std::size_t kTunnelAddressesMax = 16;
inline constexpr std::size_t kPeersMax = 65'536;          // of one tunnel
inline constexpr std::size_t kAllowedIpsMax = 262'144;    // of one tunnel
inline constexpr std::size_t kTunnelPrefixListMax = 256;  // advertise.routes, source-nat.except
inline constexpr std::uint16_t kListenPortPreset = 51820;

struct TunnelAddress {
    IpAddress address;
    IpPrefix prefix;  // of the connected network
    friend bool operator==(const TunnelAddress&, const TunnelAddress&) = default;
};

// Where a peer is: exactly one of name and address.
struct PeerEndpoint {
    std::string name;  // to be resolved, and again from time to time (Tunnel::re_resolve)
    IpAddress address;
    std::uint16_t port = 0;
    friend bool operator==(const PeerEndpoint&, const PeerEndpoint&) = default;
};

struct Peer {
    std::string name;  // empty: it is shown by its public key
    PublicKeyBytes public_key{};
    SecretKey preshared_key;         // zero: none
    std::string preshared_key_file;  // where it was read from; empty in a wg-quick file
    std::vector<IpPrefix> allowed_ips;
    std::optional<PeerEndpoint> endpoint;
    std::chrono::seconds persistent_keepalive{0};  // 0: off
    friend bool operator==(const Peer&, const Peer&) = default;
};

// What clients may reach through the tunnel (W13).
struct Advertise {
    std::vector<IpPrefix> routes;
    bool is_exit_node = false;
    friend bool operator==(const Advertise&, const Advertise&) = default;
};

// Whose address hosts behind interfaces that are neither outside nor tunnels see (W13).
struct TunnelSourceNat {
    bool is_interface = false;     // that of the interface by which peers leave; else their own
    std::vector<IpPrefix> except;  // destinations for which it is the other way round; IPv4
    [[nodiscard]] bool is_used() const noexcept { return is_interface || !except.empty(); }
    friend bool operator==(const TunnelSourceNat&, const TunnelSourceNat&) = default;
};

struct Tunnel {
    std::string name;
    std::string config_file;       // a wg-quick file; empty: everything is in ours
    std::string private_key_file;  // empty with config_file
    SecretKey private_key;
    std::uint16_t listen_port = kListenPortPreset;
    std::vector<TunnelAddress> addresses;
    std::uint16_t mtu_bytes = 0;  // 0 is `auto`: what the underlay leaves (W8)
    bool has_routes = true;       // `table: off`: allowed IPs make no routes
    std::vector<Peer> peers;
    std::chrono::seconds re_resolve{30};
    std::optional<Advertise> advertise;  // unset: the tunnel reaches everything that is routed
    TunnelSourceNat source_nat;
    // What passes untranslated between peers and others is remembered: peers begin, others only
    // answer. IPv4 alone.
    bool is_stateful = false;
    friend bool operator==(const Tunnel&, const Tunnel&) = default;
};

// Its name, or the first characters of its public key.
[[nodiscard]] std::string label_of(const Peer& peer);

}  // namespace towpath::config
