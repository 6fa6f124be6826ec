// SPDX-License-Identifier: BSD-3-Clause
// The name of this machine's CPU, printed beside every figure.
#pragma once

#include <fstream>
#include <string>

namespace towpath::bench {

inline std::string cpu_model() {
    std::ifstream file{"/proc/cpuinfo"};
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("model name")) {
            return line.substr(line.find(':') + 2);
        }
    }
    return "unknown CPU";
}

}  // namespace towpath::bench
