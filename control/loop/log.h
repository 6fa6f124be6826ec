// SPDX-License-Identifier: BSD-3-Clause
// What control and the supervisor tell whoever reads their standard error: one line per event.
#pragma once

#include <string_view>

namespace towpath::control {

void log_line(std::string_view program, std::string_view sentence);

}  // namespace towpath::control
