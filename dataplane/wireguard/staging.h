// SPDX-License-Identifier: BSD-3-Clause
// Packets of one worker that wait until their peer has a session (wireguard.md section 10 step 5;
// decisions.md W7): in order, at most kStagedPerPeerMax of a peer and a bounded number in all. The
// Packets own their buffers.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/packet/packet.h"
#include "dataplane/wireguard/peer_table.h"

namespace towpath::wireguard {

class Staging {
public:
    Staging(PeerTable& peers, std::uint32_t capacity);

    [[nodiscard]] bool is_full() const noexcept { return free_ == 0; }
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    // Not while full. The peer's home is this worker.
    void push(PeerId peer, const Packet& packet) noexcept;
    // The oldest of the peer; nothing waits: nothing.
    [[nodiscard]] std::optional<Packet> pop(PeerId peer) noexcept;

    // Peers that have packets waiting, in no order.
    [[nodiscard]] std::uint32_t waiting_count() const noexcept {
        return static_cast<std::uint32_t>(waiting_.size());
    }
    [[nodiscard]] PeerId waiting(std::uint32_t position) const noexcept {
        return waiting_[position];
    }

private:
    struct Place {
        Packet packet;
        std::uint32_t next = 0;  // position + 1; 0: the last
    };
    void stop_waiting(PeerId peer) noexcept;

    PeerTable& peers_;
    std::vector<Place> places_;
    std::uint32_t free_ = 0;  // first free position + 1
    std::uint32_t size_ = 0;
    std::vector<PeerId> waiting_;
};

}  // namespace towpath::wireguard
