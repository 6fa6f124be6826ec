// SPDX-License-Identifier: BSD-3-Clause
// Which receiver indices are in use: one for all tunnels (wireguard.md section 7; decisions.md W4).
// An index names a slot of the data plane's session table and a generation of that slot. Slots are
// given out in the order in which they became free, so that a generation lasts as long as it can.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "dataplane/crypto/index_permutation.h"

namespace towpath::control::wireguard {

class IndexAllocator {
public:
    // `key` is the data plane's. `slots` in 1..kSessionSlotsMax.
    IndexAllocator(std::uint64_t key, std::uint32_t slots);

    // Nothing if every slot is taken: nobody else's session is ended for it.
    [[nodiscard]] std::optional<std::uint32_t> allocate();
    // Of a handshake that became no session, or of a session whose keys the data plane has wiped.
    // An index that is not in use is ignored.
    void free(std::uint32_t index);
    // Of a session that exists already. False if it is not an index of this table.
    bool adopt(std::uint32_t index);
    [[nodiscard]] bool is_in_use(std::uint32_t index) const noexcept;
    [[nodiscard]] std::uint32_t in_use() const noexcept { return in_use_; }
    [[nodiscard]] std::uint32_t capacity() const noexcept {
        return static_cast<std::uint32_t>(slots_.size());
    }

private:
    struct Slot {
        std::uint16_t generation = 0;
        bool is_used = false;
    };
    crypto::IndexPermutation permutation_;
    std::vector<Slot> slots_;
    std::deque<std::uint32_t> free_;  // may name a slot that was adopted since
    std::uint32_t in_use_ = 0;
};

}  // namespace towpath::control::wireguard
