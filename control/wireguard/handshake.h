// SPDX-License-Identifier: BSD-3-Clause
// The handshake of WireGuard, Noise_IKpsk2 (wireguard.md section 4), as functions: no clock, no
// random numbers, no tables. mac1 and mac2 are cookie.h's business: what is made here has zeros
// there.
//
//   initiator                               responder
//   initiate()        -- Initiation -->     read_initiation(), read_timestamp()
//   finish()         <-- Response --        respond()
//
// Whatever fails leaves the state that it was given as it was, so that nobody who can only guess
// cancels a handshake (wireguard.md 4.4).
#pragma once

#include <cstdint>
#include <optional>

#include "control/wireguard/identity.h"
#include "control/wireguard/timestamp.h"
#include "dataplane/crypto/curve.h"
#include "dataplane/crypto/hash.h"
#include "dataplane/wire/wireguard.h"

namespace towpath::control::wireguard {

// What both sides have agreed on so far.
struct Transcript {
    crypto::ChainingKey chaining_key;
    crypto::Hash hash{};
};

struct TransportKeys {
    crypto::Key send;
    crypto::Key receive;
};

// An initiation of ours that waits for its response.
struct PendingInitiation {
    Transcript transcript;
    crypto::PrivateKey ephemeral;
    std::uint32_t sender_index = 0;
};

struct Initiated {
    towpath::wireguard::Initiation message;
    PendingInitiation pending;
};
// `ephemeral` is fresh. Nothing if the peer's key is of low order.
[[nodiscard]] std::optional<Initiated> initiate(const Identity& identity, const Remote& remote,
                                                crypto::PrivateKey ephemeral,
                                                const Timestamp& timestamp,
                                                std::uint32_t sender_index) noexcept;

// An initiation of somebody else's, read as far as the key that it claims.
struct ReceivedInitiation {
    Transcript transcript;
    crypto::PublicKey ephemeral{};
    crypto::PublicKey static_key{};
    std::uint32_t sender_index = 0;
};
// Nothing if it was not made for us.
[[nodiscard]] std::optional<ReceivedInitiation> read_initiation(
    const Identity& identity, const towpath::wireguard::Initiation& message) noexcept;
// The time stamp, which proves that the owner of `static_key` sent it; `remote` is the peer with
// that key. Nothing if it is forged. The caller compares it with the greatest before it.
[[nodiscard]] std::optional<Timestamp> read_timestamp(
    ReceivedInitiation& received, const Remote& remote,
    const towpath::wireguard::Initiation& message) noexcept;

struct Responded {
    towpath::wireguard::Response message;
    TransportKeys keys;
};
// After read_timestamp. `ephemeral` is fresh. Nothing if the initiator's ephemeral key is of low
// order.
[[nodiscard]] std::optional<Responded> respond(const ReceivedInitiation& received,
                                               const Remote& remote, crypto::PrivateKey ephemeral,
                                               std::uint32_t sender_index) noexcept;

// Nothing if the response is not authentic.
[[nodiscard]] std::optional<TransportKeys> finish(
    const PendingInitiation& pending, const Identity& identity, const Remote& remote,
    const towpath::wireguard::Response& message) noexcept;

}  // namespace towpath::control::wireguard
