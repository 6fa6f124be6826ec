// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/nat/random.h"

#include <algorithm>
#include <bit>

namespace towpath::nat {

namespace {

using Block = std::array<std::uint32_t, 16>;

void quarter_round(Block& x, std::size_t a, std::size_t b, std::size_t c, std::size_t d) noexcept {
    x[a] += x[b];
    x[d] = std::rotl(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = std::rotl(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = std::rotl(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = std::rotl(x[b] ^ x[c], 7);
}

}  // namespace

Random::Random(const Seed& seed, std::uint32_t stream) noexcept {
    input_[0] = 0x61707865;  // "expand 32-byte k", RFC 8439 section 2.3
    input_[1] = 0x3320646E;
    input_[2] = 0x79622D32;
    input_[3] = 0x6B206574;
    std::copy(seed.begin(), seed.end(), input_.begin() + 4);
    input_[15] = stream;
}

void Random::refill() noexcept {
    block_ = input_;
    for (int round = 0; round < 10; ++round) {
        quarter_round(block_, 0, 4, 8, 12);
        quarter_round(block_, 1, 5, 9, 13);
        quarter_round(block_, 2, 6, 10, 14);
        quarter_round(block_, 3, 7, 11, 15);
        quarter_round(block_, 0, 5, 10, 15);
        quarter_round(block_, 1, 6, 11, 12);
        quarter_round(block_, 2, 7, 8, 13);
        quarter_round(block_, 3, 4, 9, 14);
    }
    for (std::size_t word = 0; word < kWords; ++word) {
        block_[word] += input_[word];
    }
    if (++input_[12] == 0) {
        ++input_[13];
    }
    used_ = 0;
}

}  // namespace towpath::nat
