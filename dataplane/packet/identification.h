// SPDX-License-Identifier: BSD-3-Clause
// IPv4 Identifications for datagrams that leave under an address of ours and are not atomic
// (RFC 6864 section 5.3; nat-behaviour.md section 2, decision 13, and 14.3): many inside sources
// share one outside address, so their own values may meet. Whole packets and fragments draw from
// the same source. One per worker: worker w of W draws only numbers whose low bits are w, so that
// workers need not agree.
//
// Counters are kept by remote and protocol, not by outside address: a fragmented datagram gets its
// number before its mapping is known. So no number is given twice to one (outside address, remote,
// protocol) within 65536 / W draws (W rounded up to a power of two) for that remote and those that
// share its counter.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "dataplane/packet/owner.h"
#include "dataplane/wire/address.h"
#include "dataplane/wire/byte_order.h"

namespace towpath {

class IdentificationSource {
public:
    // worker < workers <= kWorkersMax. `key` is secret: it says who shares a counter and where
    // counters begin, so that neither can be guessed and a restart does not repeat itself.
    IdentificationSource(WorkerId worker, std::size_t workers, std::uint64_t key) noexcept
        : key_{key},
          shift_{static_cast<unsigned>(std::countr_zero(std::bit_ceil(workers)))},
          worker_{worker} {
        for (std::size_t position = 0; position < kCounters; ++position) {
            counters_[position] = static_cast<std::uint16_t>(mixed(position << 8U | worker));
        }
    }

    [[nodiscard]] be16 next(Ipv4Address remote, std::uint8_t ip_protocol) noexcept {
        const std::uint64_t hash = mixed(std::uint64_t{remote.bits()} << 32U | ip_protocol);
        const std::uint32_t count = counters_[hash % kCounters]++;
        return be16{static_cast<std::uint16_t>(count << shift_ | worker_)};
    }

private:
    static constexpr std::size_t kCounters = 1024;

    [[nodiscard]] std::uint64_t mixed(std::uint64_t value) const noexcept {
        const std::uint64_t first = (value ^ key_) * 0x9E3779B97F4A7C15U;
        const std::uint64_t second = (first ^ first >> 29U ^ key_ >> 17U) * 0xBF58476D1CE4E5B9U;
        return second >> 32U;
    }

    std::uint64_t key_;
    unsigned shift_;
    WorkerId worker_;
    std::array<std::uint16_t, kCounters> counters_{};
};

}  // namespace towpath
