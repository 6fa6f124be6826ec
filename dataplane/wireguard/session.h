// SPDX-License-Identifier: BSD-3-Clause
// A session: the keys that one handshake gave, what they have been used for and for how long they
// may be (wireguard.md sections 9, 10 and 11). Written once before it is published, except for the
// atomics and what belongs to the owner.
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/crypto/secret.h"
#include "dataplane/packet/owner.h"
#include "dataplane/wireguard/capacity.h"
#include "dataplane/wireguard/replay_window.h"

namespace towpath::wireguard {

struct alignas(64) Session {
    // Sending: shared by all workers that seal for the peer.
    std::atomic<std::uint64_t> next_counter{0};
    Now send_until{};  // birth + 180 s
    Now rekey_from{};  // an initiator's birth + 120 s; a responder never
    Now birth{};
    std::uint32_t remote_index = 0;
    bool is_initiator = false;
    std::atomic<bool> may_send{false};

    crypto::Key send_key;
    crypto::Key receive_key;

    // Receiving: by the owner alone, but for `published` and the flags.
    std::atomic<std::uint64_t> published{0};  // our index | kPublished; 0 is in no table
    Now receive_until{};                      // birth + 180 s
    Now receive_rekey_from{};                 // an initiator's birth + 165 s; a responder never
    PeerId peer = kNoPeer;
    WorkerId owner = 0;
    std::atomic<bool> may_receive{false};
    // Out of its peer's slots, or too old: nobody needs it any more.
    std::atomic<bool> has_ended{false};
    // The owner's: renewal was asked for; the confirmation is still to be told.
    bool has_asked_on_receive = false;
    bool owes_confirmation = false;
    ReplayWindow replay;

    static constexpr std::uint64_t kPublished = std::uint64_t{1} << 32U;
    [[nodiscard]] std::uint32_t index() const noexcept {
        return static_cast<std::uint32_t>(published.load(std::memory_order_relaxed));
    }
};
static_assert(sizeof(Session) <= 1331, "1.3 KiB per keypair (decisions.md W16)");

}  // namespace towpath::wireguard
