// SPDX-License-Identifier: BSD-3-Clause
// IPv4 Identifications for translated packets that are not atomic (RFC 6864 section 5.3,
// nat-behaviour.md 14.3 and decision 13): many inside sources share one outside address, so their
// own values may meet. One counter per group of (outside address, remote, protocol), each worker
// with residues of its own, so that workers need not agree.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "dataplane/nat/keyed_hash.h"
#include "dataplane/nat/random.h"
#include "dataplane/packet/owner.h"
#include "dataplane/wire/address.h"

namespace towpath::nat {

class IdentificationSource {
public:
    IdentificationSource(std::size_t workers, WorkerId worker, const HashKey& key,
                         Random& random) noexcept
        : key_{key},
          shift_{static_cast<unsigned>(std::countr_zero(std::bit_ceil(workers)))},
          worker_{worker} {
        for (std::uint16_t& counter : counters_) {
            counter = static_cast<std::uint16_t>(random.next());
        }
    }
    [[nodiscard]] be16 next(Ipv4Address outside, Ipv4Address remote,
                            std::uint8_t ip_protocol) noexcept {
        const std::uint32_t hash =
            keyed_hash(key_, std::uint64_t{outside.bits()} << 32U | remote.bits(), ip_protocol);
        const std::uint32_t count = counters_[hash % kCounters]++;
        return be16{static_cast<std::uint16_t>(count << shift_ | worker_)};
    }

private:
    static constexpr std::size_t kCounters = 1024;
    HashKey key_;
    unsigned shift_;
    WorkerId worker_;
    std::array<std::uint16_t, kCounters> counters_{};
};

}  // namespace towpath::nat
