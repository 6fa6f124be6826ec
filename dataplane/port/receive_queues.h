// SPDX-License-Identifier: BSD-3-Clause
// How many receive queues the kernel uses on a netdev now.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace towpath::port {

// Nothing when the driver does not say (ETHTOOL_GCHANNELS).
[[nodiscard]] std::optional<std::uint32_t> count_receive_queues(const std::string& name) noexcept;

}  // namespace towpath::port
