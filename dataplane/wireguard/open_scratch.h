// SPDX-License-Identifier: BSD-3-Clause
// Where the stage open keeps one group of packets: of a worker, made once, because to make it for
// every burst is to write all of it. Holds no key; what it holds between bursts means nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/crypto/aead.h"
#include "dataplane/packet/batch.h"
#include "dataplane/wireguard/session.h"

namespace towpath::wireguard {

struct OpenScratch {
    static constexpr std::size_t kMax = crypto::kAeadBatchMax;
    // Transport data on its way through the stage.
    struct Candidate {
        std::uint64_t counter = 0;
        Session* session = nullptr;
        std::byte* data = nullptr;  // sealed inner packet
        std::uint32_t index_here = 0;
        std::uint32_t slot = 0;
        PeerId owner = kNoPeer;          // of the inner source
        std::uint16_t length_bytes = 0;  // without tag
        PacketIndex packet = 0;
        bool has_source = false;  // an authentic inner packet
        bool repeats = false;     // its source is that of the one before
    };

    std::array<Candidate, kMax> candidates;
    std::array<crypto::AeadPacket, kMax> crypto;
    std::array<bool, kMax> is_authentic{};
};

}  // namespace towpath::wireguard
