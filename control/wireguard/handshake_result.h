// SPDX-License-Identifier: BSD-3-Clause
// What became of handshakes, for `towpath_handshakes_total` and for the sentence that says why a
// peer is not up. Numbers are rows of wireguard.md section 17.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace towpath::control::wireguard {

// Who we are in the handshake.
enum class HandshakeRole : std::uint8_t { initiator, responder, count };

enum class HandshakeResult : std::uint8_t {
    sent,             // an initiation or a response of ours
    completed,        // a response was good, or the first packet on our answer came
    gave_up,          // twenty initiations without an answer
    malformed,        // 3, 4: no message of type 1 to 3
    no_identity,      // 6
    bad_mac1,         // 8: made for another key than ours
    cookie_sent,      // 9
    source_limited,   // 10
    not_for_us,       // 12, 13: does not open
    unknown_key,      // 14, 15
    unusable_key,     // 16: a key with which no handshake can succeed
    stale_timestamp,  // 17
    too_soon,         // 18
    unknown_index,    // 19, 20, 23: no handshake of ours, or one that is over
    bad_response,     // 21, 22: another preshared key, or forged
    bad_cookie,       // 24: not expected, or forged
    cookie_received,  // the other side is under load
    no_session_slot,  // every session of the data plane is in use
    refused,          // the data plane did not take the session
    count,
};

[[nodiscard]] std::string_view to_string(HandshakeRole role) noexcept;
// As in a metric's label: "stale_timestamp".
[[nodiscard]] std::string_view to_string(HandshakeResult result) noexcept;

class HandshakeCounters {
public:
    void add(HandshakeRole role, HandshakeResult result) noexcept {
        ++counts_[static_cast<std::size_t>(role)][static_cast<std::size_t>(result)];
    }
    [[nodiscard]] std::uint64_t of(HandshakeRole role, HandshakeResult result) const noexcept {
        return counts_[static_cast<std::size_t>(role)][static_cast<std::size_t>(result)];
    }

private:
    std::array<std::array<std::uint64_t, static_cast<std::size_t>(HandshakeResult::count)>,
               static_cast<std::size_t>(HandshakeRole::count)>
        counts_{};
};

// Why a peer is not up, or that it is.
enum class PeerStatus : std::uint8_t {
    up,
    idle,               // nothing to send, nothing heard
    waiting,            // an initiation is under way
    no_answer,          // the endpoint did not answer twenty initiations
    bad_response,       // something answers, but not with our preshared key
    bad_mac1,           // somebody calls from its endpoint, but for another key than ours
    not_confirmed,      // it calls and is answered, and no packet comes on the new session
    remote_loaded,      // the peer asked for a cookie; the next try carries it
    stale_timestamp,    // the peer's clock went back: its initiations are refused
    no_endpoint,        // we do not know where it is, and it has not called
    name_not_resolved,  // its endpoint is a name without an address so far
    unusable_key,       // its public key cannot be one
    no_identity,        // the tunnel has no private key
    no_session_slot,    // every session of the data plane is in use
    count,
};
[[nodiscard]] std::string_view to_string(PeerStatus status) noexcept;

}  // namespace towpath::control::wireguard
