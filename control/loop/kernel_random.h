// SPDX-License-Identifier: BSD-3-Clause
// The kernel's random numbers. Only here does control draw any.
#pragma once

#include <sys/random.h>

#include <cstddef>
#include <cstdlib>
#include <span>

#include "control/wireguard/random.h"

namespace towpath::control {

class KernelRandom final : public wireguard::Random {
public:
    void fill(std::span<std::byte> bytes) noexcept override {
        while (!bytes.empty()) {
            const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
            if (got < 0) {
                // Keys that could be guessed are worse than no process.
                std::abort();
            }
            bytes = bytes.subspan(static_cast<std::size_t>(got));
        }
    }
};

}  // namespace towpath::control
