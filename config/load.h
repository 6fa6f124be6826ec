// SPDX-License-Identifier: BSD-3-Clause
// From a file to a Config that may be run: read, parse, validate. What control and `towpath check`
// call; nothing else needs to know that the file is YAML. Never throws; a file is either accepted
// whole or refused with every error in it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/devices.h"
#include "config/file.h"
#include "dataplane/wire/result.h"

namespace towpath::config {

// 1 MiB: a configuration is written by people; anything larger is refused before it is parsed.
inline constexpr std::size_t kFileBytesMax = 1U << 20U;

enum class Severity : std::uint8_t { error, warning };

// Line and column count from 1; 0 when it is about the file as a whole.
struct Position {
    std::size_t line = 0;
    std::size_t column = 0;
    friend auto operator<=>(const Position&, const Position&) = default;
};

struct Diagnostic {
    Severity severity = Severity::error;
    Position position;
    std::string text;
    std::string file = {};  // empty: the configuration itself
    friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

struct Loaded {
    Config config;                        // meaningful only if is_valid()
    std::vector<Diagnostic> diagnostics;  // in the order of the file; of its other files last
    [[nodiscard]] bool is_valid() const noexcept;
};

// `file:line:column: error: text`, as compilers write it; a diagnostic about another file names
// that one.
[[nodiscard]] std::string to_string(const Diagnostic& diagnostic, std::string_view file);
// One per line, without the count.
[[nodiscard]] std::string to_string(const std::vector<Diagnostic>& diagnostics,
                                    std::string_view file);

// `read` gives the files that the text names: keys and wg-quick files. With `find` there is a
// warning for each device that it does not find, and an interface without `mtu` has its device's
// (default_mtu_bytes).
[[nodiscard]] Loaded load_text(std::string_view text, const ReadFile& read = read_file,
                               const FindDevice& find = {});
// A file that cannot be read is one Diagnostic without a position.
[[nodiscard]] Loaded load_file(const std::string& path, const FindDevice& find = {});

}  // namespace towpath::config
