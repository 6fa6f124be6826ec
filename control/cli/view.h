// SPDX-License-Identifier: BSD-3-Clause
// Answers of the API as screens (operator.md section 4). Pure: from JSON to text. A field that is
// missing reads as empty or zero, so that an older daemon is still shown.
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "control/cli/text.h"

namespace towpath::control::cli {

[[nodiscard]] std::string show_status(const boost::json::value& answer, const Palette& palette);
[[nodiscard]] std::string show_interfaces(const boost::json::value& answer, const Palette& palette);
[[nodiscard]] std::string show_routes(const boost::json::value& answer, const Palette& palette);
[[nodiscard]] std::string show_neighbors(const boost::json::value& answer, const Palette& palette);
[[nodiscard]] std::string show_drops(const boost::json::value& answer, const Palette& palette);
[[nodiscard]] std::string show_mappings(const boost::json::value& answer, const Palette& palette);
[[nodiscard]] std::string show_lookup(const boost::json::value& answer, const Palette& palette);
[[nodiscard]] std::string show_ports(const boost::json::value& answer, const Palette& palette);
[[nodiscard]] std::string show_reload(const boost::json::value& answer, const Palette& palette);
// Of {"tunnels": [...], "peers": [...]}.
[[nodiscard]] std::string show_wireguard(const boost::json::value& answer, const Palette& palette);
[[nodiscard]] std::string show_peers(const boost::json::value& answer, const Palette& palette);
[[nodiscard]] std::string show_rekeyed(const boost::json::value& answer, const Palette& palette);

// Whether `status` says that packets are forwarded: the data plane answers and holds a
// configuration, and at least one interface is up.
[[nodiscard]] bool is_healthy(const boost::json::value& answer);

}  // namespace towpath::control::cli
