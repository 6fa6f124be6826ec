// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/wire/assertion.h"

#include <cstdio>
#include <cstdlib>

namespace towpath {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
    std::fprintf(stderr, "towpath: assertion failed: %s (%s:%d)\n", expression, file, line);
    std::abort();
}

}  // namespace towpath
