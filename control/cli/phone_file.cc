// SPDX-License-Identifier: BSD-3-Clause
#include "control/cli/phone_file.h"

#include <algorithm>

#include "config/tunnel_scalar.h"
#include "control/cli/field.h"
#include "dataplane/crypto/curve.h"

namespace towpath::control::cli {

std::string against_a_phone(const config::WgQuickFile& file, const boost::json::value& tunnels) {
    const config::Tunnel& shown = file.tunnel;
    const std::string key =
        config::to_base64(crypto::public_key_of(crypto::PrivateKey{shown.private_key.bytes()}));
    for (const boost::json::value& own : list_at(tunnels, "/tunnels")) {
        if (text_at(own, "/public_key") == key) {
            return " has the private key of this gateway's tunnel " + text_at(own, "/name");
        }
    }
    if (file.locations.contains("listen-port")) {
        return " has a ListenPort: it is a gateway's own file, with the gateway's private key";
    }
    const bool calls_nobody =
        std::none_of(shown.peers.begin(), shown.peers.end(),
                     [](const config::Peer& peer) { return peer.endpoint.has_value(); });
    return calls_nobody ? " has no peer with an Endpoint: it is of a machine that is called, as a "
                          "gateway is, and has its private key"
                        : "";
}

}  // namespace towpath::control::cli
