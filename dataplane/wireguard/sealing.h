// SPDX-License-Identifier: BSD-3-Clause
// Seals a group of packets whose peers are known: what the seal stage and keepalives share
// (wireguard.md section 10 steps 5 to 9). One lease of counters per session and group, of which
// nothing is kept for later (decisions.md W2).
#pragma once

#include <cstdint>

#include "dataplane/crypto/aead.h"
#include "dataplane/packet/batch.h"
#include "dataplane/wire/now.h"
#include "dataplane/wireguard/state.h"

namespace towpath::wireguard {

// One at a time in a worker.
class Sealing {
public:
    Sealing(State& state, Batch& batch, Now now) noexcept
        : state_{state}, batch_{batch}, now_{now}, scratch_{*state.seal_scratch} {}

    // A packet as Lane::seal has it, or, with nothing behind l3, a keepalive. At most
    // crypto::kAeadBatchMax. What cannot be sealed goes elsewhere here: see seal_stage.h.
    void add(PacketIndex index, PeerId peer) noexcept;
    [[nodiscard]] bool is_full() const noexcept { return count_ == crypto::kAeadBatchMax; }
    // Everything that was added and can be sealed -> underlay.
    void finish() noexcept;

private:
    using Lease = SealScratch::Lease;
    using Item = SealScratch::Item;
    static constexpr std::uint8_t kNoLease = 0xFF;

    [[nodiscard]] bool fits_path(PacketIndex index, std::uint16_t mtu_bytes) noexcept;
    [[nodiscard]] std::uint8_t lease_for(PacketIndex index, PeerId peer) noexcept;
    [[nodiscard]] std::uint8_t open_lease(PacketIndex index, PeerId peer) noexcept;
    void take_counters() noexcept;
    void prepare() noexcept;
    [[nodiscard]] bool write_message(Item& item, Lease& lease) noexcept;
    void note_sent(Lease& lease) noexcept;

    State& state_;
    Batch& batch_;
    Now now_;
    SealScratch& scratch_;
    std::size_t count_ = 0;
    std::size_t lease_count_ = 0;
};

}  // namespace towpath::wireguard
