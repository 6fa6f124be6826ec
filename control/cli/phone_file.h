// SPDX-License-Identifier: BSD-3-Clause
// Whether a wg-quick file is one that a phone may have: a picture of it gives its private key to
// every camera, and two machines with one key take each other's sessions away.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "config/wg_quick.h"

namespace towpath::control::cli {

// Why not, as the rest of a sentence that begins with the file's name; empty if nothing speaks
// against it. `tunnels` is what the running gateway says of its own, null if none runs.
[[nodiscard]] std::string against_a_phone(const config::WgQuickFile& file,
                                          const boost::json::value& tunnels);

}  // namespace towpath::control::cli
