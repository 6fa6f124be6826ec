// SPDX-License-Identifier: BSD-3-Clause
// The file format of wg and wg-quick (wireguard.md 16.1) as a Tunnel. Pure: text in, values and
// findings out. What those tools would execute is not: each such line draws a warning that names
// our own key (decisions.md W10). Rules between lines are validate()'s.
//
// No finding quotes a line that could be a key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "config/reading.h"
#include "config/tunnel.h"

namespace towpath::config {

inline constexpr std::size_t kWgQuickBytesMax = 16U << 20U;

struct WgQuickFile {
    Tunnel tunnel;  // without a name
    std::vector<Diagnostic> diagnostics;
    // "peers[1].allowed-ips[0]" to where it stands; names are those of our own keys.
    Locations locations;
    std::vector<std::string> failed;  // places with something wrong in them
};

[[nodiscard]] WgQuickFile parse_wg_quick(std::string_view text);

}  // namespace towpath::config
