// SPDX-License-Identifier: BSD-3-Clause
// IPv4 identifications for packets that leave under an address of ours (RFC 6864 section 4.3;
// nat-behaviour.md section 2, decision 13). One sequence per worker: worker w of W draws only
// numbers congruent to w modulo W, so that two workers never give one number to two datagrams at
// the same time. A number comes back after 65536 / W draws.
#pragma once

#include <cstdint>

#include "dataplane/wire/byte_order.h"

namespace towpath {

class IdentificationSequence {
public:
    // worker < workers. The seed moves the first number, so that a restart does not repeat itself.
    constexpr IdentificationSequence(std::uint8_t worker, std::uint8_t workers,
                                     std::uint32_t seed) noexcept
        : step_{workers}, offset_{worker}, rounds_{65536U / workers}, round_{seed % rounds_} {}

    [[nodiscard]] constexpr be16 next() noexcept {
        const std::uint32_t number = round_ * step_ + offset_;
        round_ = round_ + 1 == rounds_ ? 0 : round_ + 1;
        return be16{static_cast<std::uint16_t>(number)};
    }

private:
    std::uint32_t step_;
    std::uint32_t offset_;
    std::uint32_t rounds_;
    std::uint32_t round_;
};

}  // namespace towpath
