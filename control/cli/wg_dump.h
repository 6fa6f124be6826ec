// SPDX-License-Identifier: BSD-3-Clause
// Tunnels and peers as scripts read them: the tab separated format of `wg show dump`. Pure.
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

}  // namespace towpath::control::cli
