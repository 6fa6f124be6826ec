// SPDX-License-Identifier: BSD-3-Clause
// The secrets of one start of the data plane. Not kept anywhere.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/nat/keyed_hash.h"
#include "dataplane/wire/result.h"

namespace towpath::nat {

// Secrets of this start: so that senders can choose neither buckets, workers, pool addresses nor
// ports.
struct Keys {
    HashKey mapping_hash;
    HashKey session_hash;
    std::uint64_t ownership = 0;
    std::uint64_t pooling = 0;
    std::array<std::uint32_t, 8> random_seed{};
    // From the kernel. At start only.
    [[nodiscard]] static Outcome<Keys> random();
};

}  // namespace towpath::nat
