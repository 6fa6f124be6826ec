// SPDX-License-Identifier: BSD-3-Clause
// TOWPATH_ASSERT: a bug, not an input. Prints the expression and where it stands, then aborts. On
// in every build; TOWPATH_DEBUG_ASSERT only where TOWPATH_DEBUG is defined (debug builds and
// tests).
#pragma once

namespace towpath {

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace towpath

#define TOWPATH_ASSERT(expression)                                        \
    do {                                                                  \
        if (__builtin_expect(!(expression), 0)) {                         \
            ::towpath::assertion_failed(#expression, __FILE__, __LINE__); \
        }                                                                 \
    } while (false)

#ifdef TOWPATH_DEBUG
#define TOWPATH_DEBUG_ASSERT(expression) TOWPATH_ASSERT(expression)
#else
#define TOWPATH_DEBUG_ASSERT(expression) static_cast<void>(0)
#endif
