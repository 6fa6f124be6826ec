// SPDX-License-Identifier: BSD-3-Clause
// Reading, stating and listing thousands of peers takes more memory for a moment than is kept of
// them. What is left of such moments goes back to the system (decisions.md W16): the allocator
// would keep it, because something that is in use lies above.
#pragma once

#include <cstddef>

namespace towpath::control {

class MemoryReturn {
public:
    // From time to time. Costs a few milliseconds when there is much to give back, else nothing.
    void look() noexcept;

private:
    static constexpr std::size_t kSpare_bytes = std::size_t{1} << 20U;

    std::size_t scattered_bytes_ = 0;  // free, but between what is in use: given back already
};

}  // namespace towpath::control
