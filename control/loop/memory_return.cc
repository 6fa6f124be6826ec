// SPDX-License-Identifier: BSD-3-Clause
#include "control/loop/memory_return.h"

#include <malloc.h>

#include <algorithm>

namespace towpath::control {

void MemoryReturn::look() noexcept {
    const std::size_t free_bytes = ::mallinfo2().fordblks;
    scattered_bytes_ = std::min(scattered_bytes_, free_bytes);
    if (free_bytes - scattered_bytes_ > kSpare_bytes) {
        static_cast<void>(::malloc_trim(0));
        scattered_bytes_ = ::mallinfo2().fordblks;
    }
}

}  // namespace towpath::control
