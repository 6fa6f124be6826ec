// SPDX-License-Identifier: BSD-3-Clause
// The verbs that ask the control process something, or look at a file, and show the answer.
#pragma once

#include <span>
#include <string>

#include "control/cli/verbs.h"

namespace towpath::control::cli {

ExitCode status(const Arguments&, std::span<const std::string> rest, const Streams&);
ExitCode interfaces(const Arguments&, std::span<const std::string> rest, const Streams&);
ExitCode routes(const Arguments&, std::span<const std::string> rest, const Streams&);
ExitCode drops(const Arguments&, std::span<const std::string> rest, const Streams&);
ExitCode nat_show(const Arguments&, std::span<const std::string> rest, const Streams&);
ExitCode nat_lookup(const Arguments&, std::span<const std::string> rest, const Streams&);
ExitCode neighbors(const Arguments&, std::span<const std::string> rest, const Streams&);
ExitCode nat_ports(const Arguments&, std::span<const std::string> rest, const Streams&);
ExitCode check(const Arguments&, std::span<const std::string> rest, const Streams&);
ExitCode reload(const Arguments&, std::span<const std::string> rest, const Streams&);
ExitCode metrics(const Arguments&, std::span<const std::string> rest, const Streams&);
ExitCode version(const Arguments&, std::span<const std::string> rest, const Streams&);

}  // namespace towpath::control::cli
