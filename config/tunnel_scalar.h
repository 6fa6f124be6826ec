// SPDX-License-Identifier: BSD-3-Clause
// The words of a tunnel's configuration as values; see scalar.h. The texts of failures never
// contain what they are about: it may be a key.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/scalar.h"
#include "config/tunnel.h"

namespace towpath::config {

// 32 bytes as 44 characters of base64 (RFC 4648 section 4), in canonical form.
[[nodiscard]] Scalar<PublicKeyBytes> parse_key(std::string_view text);
[[nodiscard]] std::string to_base64(std::span<const std::byte, kKeyLength_bytes> key);

// A prefix of either family without host bits.
[[nodiscard]] Scalar<IpPrefix> parse_any_prefix(std::string_view text);
// As WireGuard's own tools have it: host bits are cut off, no length means one address.
[[nodiscard]] Scalar<IpPrefix> parse_allowed_ip(std::string_view text);
// An address with the length of its network; no length means a network of its own.
[[nodiscard]] Scalar<TunnelAddress> parse_tunnel_address(std::string_view text);
// 192.0.2.7:51820, [2001:db8::7]:51820 or vpn.example.org:51820.
[[nodiscard]] Scalar<PeerEndpoint> parse_peer_endpoint(std::string_view text);

}  // namespace towpath::config
