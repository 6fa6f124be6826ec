// SPDX-License-Identifier: BSD-3-Clause
// Seals a group of packets whose peers are known: what the seal stage and keepalives share
// (wireguard.md section 10 steps 5 to 9). One lease of counters per session and group, of which
// nothing is kept for later (decisions.md W2).
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/crypto/aead.h"
#include "dataplane/packet/batch.h"
#include "dataplane/wire/now.h"
#include "dataplane/wireguard/outer_header.h"
#include "dataplane/wireguard/state.h"

namespace towpath::wireguard {

class Sealing {
public:
    Sealing(State& state, Batch& batch, Now now) noexcept
        : state_{state}, batch_{batch}, now_{now} {}

    // A packet as Lane::seal has it, or, with nothing behind l3, a keepalive. At most
    // crypto::kAeadBatchMax. What cannot be sealed goes elsewhere here: see seal_stage.h.
    void add(PacketIndex index, PeerId peer) noexcept;
    [[nodiscard]] bool is_full() const noexcept { return count_ == crypto::kAeadBatchMax; }
    // Everything that was added and can be sealed -> underlay.
    void finish() noexcept;

private:
    // What the packets of one peer have in common.
    struct Lease {
        Session* session = nullptr;
        Peer* peer = nullptr;
        PeerId peer_id = kNoPeer;
        std::uint32_t packets = 0;
        std::uint64_t next_counter = 0;
        std::uint64_t sent_bytes = 0;
        std::size_t mtu_bytes = 0;
        bool has_data = false;
        OuterPath path;
    };
    struct Item {
        PacketIndex packet = 0;
        std::uint8_t lease = 0;
        std::uint8_t outer_ecn = 0;
    };
    static constexpr std::size_t kMax = crypto::kAeadBatchMax;
    static constexpr std::uint8_t kNoLease = 0xFF;

    [[nodiscard]] std::uint8_t lease_for(PacketIndex index, PeerId peer) noexcept;
    [[nodiscard]] std::uint8_t open_lease(PacketIndex index, PeerId peer) noexcept;
    void take_counters() noexcept;
    void prepare() noexcept;
    [[nodiscard]] bool write_message(Item& item, Lease& lease) noexcept;
    void note_sent(Lease& lease) noexcept;

    State& state_;
    Batch& batch_;
    Now now_;
    std::size_t count_ = 0;
    std::size_t lease_count_ = 0;
    std::array<Item, kMax> items_;
    std::array<Lease, kMax> leases_;
    std::array<crypto::AeadPacket, kMax> crypto_;
    // The lease of a peer, by the low bits of its id, + 1: most packets of a burst share a few.
    std::array<std::uint8_t, 64> recent_{};
};

}  // namespace towpath::wireguard
