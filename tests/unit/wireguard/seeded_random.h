// SPDX-License-Identifier: BSD-3-Clause
// Unpredictable bytes that a seed predicts.
#pragma once

#include <cstdint>
#include <random>

#include "control/wireguard/random.h"

namespace towpath::control::wireguard {

class SeededRandom final : public Random {
public:
    explicit SeededRandom(std::uint64_t seed) : engine_{seed} {}
    void fill(std::span<std::byte> bytes) noexcept override {
        for (std::byte& byte : bytes) {
            byte = static_cast<std::byte>(engine_() >> 56U);
        }
    }

private:
    std::mt19937_64 engine_;
};

}  // namespace towpath::control::wireguard
