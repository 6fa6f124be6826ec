// SPDX-License-Identifier: BSD-3-Clause
// Tunnels and peers in the formats of WireGuard's own tools: the tab separated rows of
// `wg show dump`, and wg-quick files. Pure.
#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace towpath::control::cli {

// A line per tunnel (private key, public key, port, mark) and one per peer (public key, preshared
// key, endpoint, allowed IPs, latest handshake in s since 1970, bytes received, bytes sent,
// persistent keepalive). `shown` has tunnels and peers, `keys` the secrets. `has_names`: every line
// begins with its tunnel's name.
[[nodiscard]] std::string dump(const boost::json::value& shown, const boost::json::value& keys,
                               bool has_names);

// The one tunnel of `shown` as a wg-quick file. `keys` as above; null: a comment stands where a
// secret would.
[[nodiscard]] std::string wg_quick(const boost::json::value& shown, const boost::json::value& keys);

}  // namespace towpath::control::cli
