// SPDX-License-Identifier: BSD-3-Clause
// The real clock of control. State machines are handed its Now.
#pragma once

#include <chrono>

#include "dataplane/wire/now.h"

namespace towpath::control {

[[nodiscard]] inline Now monotonic_now() noexcept {
    return Now{
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

}  // namespace towpath::control
