// SPDX-License-Identifier: BSD-3-Clause
// Reading the files of a configuration: our own, wg-quick files and keys.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "config/scalar.h"

namespace towpath::config {

struct FileText {
    std::string text;
    bool is_private = false;  // neither group nor others may do anything with it
};

// At most `bytes_max` + 1 bytes, so that the caller sees that a file is too large. A failure is the
// rest of a sentence that begins with the file: " cannot be opened: ...".
using ReadFile = std::function<Scalar<FileText>(const std::string& path, std::size_t bytes_max)>;

// From the file system, regular files only. ${CREDENTIALS_DIRECTORY} at the start of a path is what
// systemd put there.
[[nodiscard]] Scalar<FileText> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace towpath::config
