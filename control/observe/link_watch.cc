// SPDX-License-Identifier: BSD-3-Clause
#include "control/observe/link_watch.h"

#include <utility>

namespace towpath::control {

std::optional<std::string> LinkWatch::on(std::size_t id, bool is_up, std::string_view name) {
    if (id >= is_up_.size()) {
        return std::nullopt;
    }
    const std::optional<bool> before = std::exchange(is_up_[id], is_up);
    if (before == is_up || (!before && is_up)) {
        return std::nullopt;
    }
    const std::string_view what = is_up    ? " is up again"
                                  : before ? " went down: it has no link or is gone"
                                           : " is down: it has no link";
    return "interface " + std::string{name} + std::string{what};
}

}  // namespace towpath::control
