// SPDX-License-Identifier: BSD-3-Clause
// The MSS option of a SYN (RFC 9293 section 3.7.1), lowered so that answers fit the path
// (nat-behaviour.md 14.6). Never raised, never inserted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace towpath {

enum class MssResult : std::uint8_t { unchanged, lowered, malformed };

// `segment` is the TCP header with its options, as far as present. Lowers every MSS option above
// `limit_bytes` and updates the checksum. An option area that cannot be walked is left as it is
// from there on.
MssResult clamp_mss(std::span<std::byte> segment, std::uint16_t limit_bytes) noexcept;

}  // namespace towpath
