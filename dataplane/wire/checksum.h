// SPDX-License-Identifier: BSD-3-Clause
// The Internet checksum: full sums (RFC 1071) and differences (RFC 1624 equation 3).
// Words are taken as they lie in memory on both sides, which makes the arithmetic neutral to byte
// order (RFC 1071 section 2 B).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/wire/address.h"
#include "dataplane/wire/byte_order.h"

namespace towpath {

// Folds to 16 bits in one's-complement arithmetic.
[[nodiscard]] constexpr std::uint16_t fold_checksum(std::uint64_t sum) noexcept {
    sum = (sum & 0xFFFFFFFFU) + (sum >> 32U);
    sum = (sum & 0xFFFFU) + (sum >> 16U);
    sum = (sum & 0xFFFFU) + (sum >> 16U);
    sum = (sum & 0xFFFFU) + (sum >> 16U);
    return static_cast<std::uint16_t>(sum);
}

// The unfolded sum of the 16-bit words of `bytes`; an odd last byte is padded with zero. At most
// 64 KiB of bytes, so 64 bits never overflow.
[[nodiscard]] inline std::uint64_t sum_words(std::span<const std::byte> bytes) noexcept {
    std::uint64_t sum = 0;
    std::size_t offset = 0;
    for (; offset + 4 <= bytes.size(); offset += 4) {
        std::uint32_t word = 0;
        std::memcpy(&word, bytes.data() + offset, sizeof word);
        sum += word;
    }
    if (offset + 2 <= bytes.size()) {
        std::uint16_t word = 0;
        std::memcpy(&word, bytes.data() + offset, sizeof word);
        sum += word;
        offset += 2;
    }
    if (offset < bytes.size()) {
        sum += std::to_integer<std::uint16_t>(bytes[offset]);
    }
    return sum;
}

// The checksum field for `bytes` (whose checksum field is zero) plus `initial`.
[[nodiscard]] inline be16 full_checksum(std::span<const std::byte> bytes,
                                        std::uint64_t initial = 0) noexcept {
    return be16::from_raw(static_cast<std::uint16_t>(~fold_checksum(initial + sum_words(bytes))));
}

// True when the bytes, their checksum field included, sum to all ones.
[[nodiscard]] inline bool checksum_is_valid(std::span<const std::byte> bytes,
                                            std::uint64_t initial = 0) noexcept {
    return fold_checksum(initial + sum_words(bytes)) == 0xFFFFU;
}

// The pseudo-header of TCP and UDP over IPv4 (RFC 9293 section 3.1), unfolded.
[[nodiscard]] inline std::uint64_t pseudo_header_sum(be32 source, be32 destination,
                                                     std::uint8_t protocol,
                                                     std::uint16_t length_bytes) noexcept {
    return std::uint64_t{source.raw()} + destination.raw() +
           be16{static_cast<std::uint16_t>(protocol)}.raw() + be16{length_bytes}.raw();
}

// A difference between an old and a new state of some words: what RFC 1624 adds to the complement
// of the old checksum. Differences add; the inverse change is the bitwise complement.
class ChecksumDelta {
public:
    constexpr ChecksumDelta() = default;
    explicit constexpr ChecksumDelta(std::uint16_t folded) noexcept : sum_{folded} {}

    constexpr ChecksumDelta& replace(be16 before, be16 after) noexcept {
        sum_ += static_cast<std::uint16_t>(~before.raw());
        sum_ += after.raw();
        return *this;
    }
    constexpr ChecksumDelta& replace(be32 before, be32 after) noexcept {
        sum_ += ~before.raw();
        sum_ += after.raw();
        return *this;
    }
    constexpr ChecksumDelta& add(ChecksumDelta other) noexcept {
        sum_ += other.folded();
        return *this;
    }
    [[nodiscard]] constexpr std::uint16_t folded() const noexcept { return fold_checksum(sum_); }
    [[nodiscard]] constexpr ChecksumDelta inverse() const noexcept {
        return ChecksumDelta{static_cast<std::uint16_t>(~folded())};
    }

private:
    std::uint64_t sum_ = 0;
};

// RFC 1624 equation 3: HC' = ~(~HC + delta).
[[nodiscard, gnu::always_inline]] constexpr be16 update_checksum(be16 checksum,
                                                                 ChecksumDelta delta) noexcept {
    const std::uint32_t sum =
        static_cast<std::uint32_t>(static_cast<std::uint16_t>(~checksum.raw())) + delta.folded();
    // Of two 16-bit words there is one carry at most, and adding it carries no further.
    return be16::from_raw(static_cast<std::uint16_t>(~(sum + (sum >> 16U))));
}

// As update_checksum for a UDP checksum: zero means "none" and stays (RFC 768); a result of zero is
// sent as all ones.
[[nodiscard]] constexpr be16 update_udp_checksum(be16 checksum, ChecksumDelta delta) noexcept {
    if (checksum.raw() == 0) {
        return checksum;
    }
    const be16 updated = update_checksum(checksum, delta);
    return updated.raw() == 0 ? be16::from_raw(0xFFFF) : updated;
}

}  // namespace towpath
