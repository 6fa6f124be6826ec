// SPDX-License-Identifier: BSD-3-Clause
// What a reload changes about tunnels and their peers, as an operator would say it. Pure.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace towpath::control {

// Lines such as "wireguard.wg0: peer laptop added" or "wireguard.wg0: 10.99.0.3/32 moved from peer
// a to peer b"; of each tunnel at most kPeerLinesMax and one that counts the rest. Never a secret:
// of a key only that it changed.
inline constexpr std::size_t kPeerLinesMax = 16;
[[nodiscard]] std::vector<std::string> peer_differences(const config::Config& before,
                                                        const config::Config& after);

}  // namespace towpath::control
