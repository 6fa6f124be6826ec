// SPDX-License-Identifier: BSD-3-Clause
// Tells when an interface goes down and when it is up again: once each, whether the data plane said
// so unasked or in an answer. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/contract/world_state.h"

namespace towpath::control {

class LinkWatch {
public:
    // What is known of interface `id` now, and the sentence to tell; none if that is not news. An
    // interface first heard of is news only when it is down. An id past the contract's is ignored.
    [[nodiscard]] std::optional<std::string> on(std::size_t id, bool is_up, std::string_view name);
    // Another data plane.
    void forget() noexcept { is_up_.fill(std::nullopt); }

private:
    std::array<std::optional<bool>, contract::kPortsMax> is_up_{};
};

}  // namespace towpath::control
