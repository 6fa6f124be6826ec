// SPDX-License-Identifier: BSD-3-Clause
// Asks the control process one question over its Unix socket and waits for the answer. Blocking,
// bounded: kAnswerWithin from start to end.
#pragma once

#include <chrono>
#include <string>

#include "dataplane/wire/result.h"

namespace towpath::control::cli {

inline constexpr std::chrono::seconds kAnswerWithin{10};

struct Answer {
    unsigned status = 0;
    std::string body;
};

// Fails with unreachable if nobody answers, no_permission if the socket may not be opened.
[[nodiscard]] Outcome<Answer> ask(const std::string& socket_path, const std::string& method,
                                  const std::string& target, const std::string& body = {});

}  // namespace towpath::control::cli
