// SPDX-License-Identifier: BSD-3-Clause
// Where Sealing keeps one group of packets: of a worker, made once, because it is too large to make
// for every burst. Holds no key; empty between bursts.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/crypto/aead.h"
#include "dataplane/packet/batch.h"
#include "dataplane/wireguard/outer_header.h"
#include "dataplane/wireguard/peer.h"
#include "dataplane/wireguard/session.h"

namespace towpath::wireguard {

struct SealScratch {
    static constexpr std::size_t kMax = crypto::kAeadBatchMax;
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

    std::array<Item, kMax> items;
    std::array<Lease, kMax> leases;
    std::array<crypto::AeadPacket, kMax> crypto;
    // The lease of a peer, by the low bits of its id, + 1: most packets of a burst share a few.
    std::array<std::uint8_t, 64> recent{};
};

}  // namespace towpath::wireguard
