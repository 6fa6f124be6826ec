// SPDX-License-Identifier: BSD-3-Clause
// The verbs about WireGuard tunnels and their peers.
#pragma once

#include <span>
#include <string>

#include "control/cli/verbs.h"

namespace towpath::control::cli {

ExitCode peers(const Arguments&, std::span<const std::string> rest, const Streams&);
ExitCode wg_show(const Arguments&, std::span<const std::string> rest, const Streams&);
ExitCode wg_export(const Arguments&, std::span<const std::string> rest, const Streams&);
ExitCode wg_qr(const Arguments&, std::span<const std::string> rest, const Streams&);
ExitCode wg_rekey(const Arguments&, std::span<const std::string> rest, const Streams&);
ExitCode wg_forget_timestamp(const Arguments&, std::span<const std::string> rest, const Streams&);

}  // namespace towpath::control::cli
