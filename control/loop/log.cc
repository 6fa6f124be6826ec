// SPDX-License-Identifier: BSD-3-Clause
#include "control/loop/log.h"

#include <unistd.h>

#include <string>

namespace towpath::control {

void log_line(std::string_view program, std::string_view sentence) {
    std::string line{program};
    line.append(": ").append(sentence).append("\n");
    // One write, so that lines of several processes do not mix. Nobody to tell if it fails.
    static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
}

}  // namespace towpath::control
