// SPDX-License-Identifier: BSD-3-Clause
// A session: the keys that one handshake gave, what they have been used for and for how long they
// may be (wireguard.md sections 9, 10 and 11). Written once before it is published, except for the
// atomics and what belongs to the owner.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "dataplane/crypto/secret.h"
#include "dataplane/packet/owner.h"
#include "dataplane/wireguard/capacity.h"
#include "dataplane/wireguard/replay_window.h"

namespace towpath::wireguard {

// A line for sending, one for receiving, and the replay window. Other fields stand in the rest of
// the lines that the keys have to themselves as far as the ciphers go (crypto/secret.h).
struct alignas(64) Session {
    // Sending: shared by all workers that seal for the peer.
    [[no_unique_address]] crypto::Key send_key;
    std::atomic<std::uint64_t> next_counter{0};
    Now birth{};
    std::uint32_t remote_index = 0;
    bool is_initiator = false;
    std::atomic<bool> may_send{false};
    // Out of its peer's slots, or too old: nobody needs it any more.
    std::atomic<bool> has_ended{false};

    // Receiving: by the owner alone, but for `published` and the flag.
    [[no_unique_address]] crypto::Key receive_key;
    std::atomic<std::uint64_t> published{0};  // our index | kPublished; 0 is in no table
    Now receive_until{};                      // birth + 180 s
    PeerId peer = kNoPeer;
    WorkerId owner = 0;
    std::atomic<bool> may_receive{false};
    // The owner's: an initiator's, whose renewal was not asked for yet; the confirmation is still
    // to be told.
    bool may_ask_on_receive = false;
    bool owes_confirmation = false;
    ReplayWindow replay;

    [[nodiscard]] Now send_until() const noexcept { return birth + kRejectAfterTime; }
    // An initiator renews what it sends with after 120 s, and what it only receives with after 165;
    // a responder never.
    [[nodiscard]] bool is_renewal_due(Now now) const noexcept {
        return is_initiator && now >= birth + kRekeyAfterTime;
    }
    [[nodiscard]] bool is_renewal_due_on_receive(Now now) const noexcept {
        return may_ask_on_receive &&
               now >= receive_until - (kRejectAfterTime - kRekeyOnReceiveAfter);
    }

    static constexpr std::uint64_t kPublished = std::uint64_t{1} << 32U;
    [[nodiscard]] std::uint32_t index() const noexcept {
        return static_cast<std::uint32_t>(published.load(std::memory_order_relaxed));
    }
};
static_assert(offsetof(Session, next_counter) == 32 && offsetof(Session, published) == 96);
static_assert(sizeof(Session) == 1152, "of 1.3 KiB per keypair (decisions.md W16)");

}  // namespace towpath::wireguard
