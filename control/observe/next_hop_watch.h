// SPDX-License-Identifier: BSD-3-Clause
// Tells when nobody answers for a next hop any more and when somebody does again: once each. Pure.
#pragma once

#include <string>
#include <vector>

#include "control/api_model.h"

namespace towpath::control {

class NextHopWatch {
public:
    // Of the routes in force and of all neighbours now; the sentences to tell. One that failed is
    // dead until it has a MAC again: the data plane forgets whom nobody sends to.
    [[nodiscard]] std::vector<std::string> look(const std::vector<NextHopModel>& hops,
                                                const std::vector<NeighborModel>& neighbors);
    [[nodiscard]] const std::vector<NextHopModel>& dead() const noexcept { return dead_; }
    // Another data plane.
    void forget() noexcept { dead_.clear(); }

private:
    std::vector<NextHopModel> dead_;
};

}  // namespace towpath::control
