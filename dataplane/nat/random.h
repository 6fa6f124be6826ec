// SPDX-License-Identifier: BSD-3-Clause
// Unpredictable numbers for one worker (RFC 6056 section 3.3): the ChaCha20 block function
// (RFC 8439 section 2.3) over a secret seed and a counter. Not for keys; never calls the system.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace towpath::nat {

class Random {
public:
    using Seed = std::array<std::uint32_t, 8>;

    // `stream` tells workers with one seed apart.
    Random(const Seed& seed, std::uint32_t stream) noexcept;

    [[nodiscard]] std::uint32_t next() noexcept {
        if (used_ == kWords) {
            refill();
        }
        return block_[used_++];
    }
    // Uniform in [0, bound), bound > 0; the bias is below bound / 2^32.
    [[nodiscard]] std::uint32_t below(std::uint32_t bound) noexcept {
        return static_cast<std::uint32_t>(std::uint64_t{next()} * bound >> 32U);
    }

private:
    static constexpr std::size_t kWords = 16;
    void refill() noexcept;

    std::array<std::uint32_t, kWords> input_{};
    std::array<std::uint32_t, kWords> block_{};
    std::size_t used_ = kWords;
};

}  // namespace towpath::nat
