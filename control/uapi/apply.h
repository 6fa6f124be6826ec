// SPDX-License-Identifier: BSD-3-Clause
// What a request of the standard tool does to a configuration (wireguard.md section 16). Pure.
#pragma once

#include "config/config.h"
#include "control/uapi/protocol.h"

namespace towpath::control::uapi {

// Changes the tunnel of that name, all or nothing: after a refusal `config` is as it was. A prefix
// that another peer of the tunnel has moves. A peer with our own key is left out without a word, as
// the kernel does. Port 0, any port, keeps the one there is; the mark is not used (decisions.md
// W10). Refused: no such tunnel, a port of another tunnel, and what `towpath check` would refuse.
[[nodiscard]] Refusal apply(const TunnelChange& change, std::string_view tunnel,
                            config::Config& config);

}  // namespace towpath::control::uapi
