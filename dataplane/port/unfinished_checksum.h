// SPDX-License-Identifier: BSD-3-Clause
// Finds a transport checksum that the sender left unfinished, where the driver does not say so
// (af_xdp). Such a field holds the uncomplemented sum of the pseudo-header (decisions.md N7). A
// finished checksum has that value once in 65536 packets; if it was right, completing it writes the
// same value again.
#pragma once

#include <cstddef>
#include <span>

namespace towpath::port {

// Completes the checksum of a whole TCP or UDP frame of either family in place. True when it was
// unfinished. Anything malformed, fragmented or of another protocol is left as it is: parse judges
// it.
[[nodiscard]] bool complete_if_unfinished(std::span<std::byte> frame) noexcept;

}  // namespace towpath::port
