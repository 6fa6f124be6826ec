// SPDX-License-Identifier: BSD-3-Clause
// What bytes a configuration may consist of, checked before any parser sees them: a bounded
// number of bytes of UTF-8 (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF)
// without control characters other than tab and line ends (BAD-CFG-07).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/load.h"

namespace towpath::config {

// The first thing that is wrong with the bytes.
[[nodiscard]] std::optional<Diagnostic> check_encoding(std::string_view text,
                                                       std::size_t bytes_max = kFileBytesMax);

// The operator's own text for quoting in a message: cut after 60 bytes (at a character), so that
// one wrong line cannot fill a screen.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace towpath::config
