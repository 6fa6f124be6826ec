// SPDX-License-Identifier: BSD-3-Clause
// A text as a QR code (ISO/IEC 18004) in the half blocks of a terminal: light modules are drawn, so
// that it is read on a dark background, with the quiet zone of four modules around.
#pragma once

#include <string>

#include "dataplane/wire/result.h"

namespace towpath::control::cli {

// Refused: more than a code holds (2 953 bytes), and a build without libqrencode.
[[nodiscard]] Outcome<std::string> qr_code(const std::string& text);

}  // namespace towpath::control::cli
