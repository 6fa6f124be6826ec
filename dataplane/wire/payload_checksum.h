// SPDX-License-Identifier: BSD-3-Clause
// The Internet checksum (RFC 1071) of whole datagrams, where hundreds of bytes are the rule:
// checksum.h's sums are for headers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/wire/checksum.h"

namespace towpath {

// As sum_words; four sums beside each other, so that none waits for the one before.
[[nodiscard]] inline std::uint64_t sum_words_of_payload(std::span<const std::byte> bytes) noexcept {
    constexpr std::size_t kStep_bytes = 32;
    const auto halves_at = [&](std::size_t offset) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + offset, sizeof word);
        return (word & 0xFFFFFFFFU) + (word >> 32U);
    };
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::uint64_t c = 0;
    std::uint64_t d = 0;
    std::size_t offset = 0;
    for (; offset + kStep_bytes <= bytes.size(); offset += kStep_bytes) {
        a += halves_at(offset);
        b += halves_at(offset + 8);
        c += halves_at(offset + 16);
        d += halves_at(offset + 24);
    }
    return a + b + c + d + sum_words(bytes.subspan(offset));
}

// The checksum field for `bytes` (whose checksum field is zero) plus `initial`.
[[nodiscard]] inline be16 payload_checksum(std::span<const std::byte> bytes,
                                           std::uint64_t initial) noexcept {
    return be16::from_raw(
        static_cast<std::uint16_t>(~fold_checksum(initial + sum_words_of_payload(bytes))));
}

}  // namespace towpath
