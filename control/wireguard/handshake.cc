// SPDX-License-Identifier: BSD-3-Clause
#include "control/wireguard/handshake.h"

#include <string_view>
#include <tuple>
#include <utility>

#include "dataplane/crypto/box.h"

namespace towpath::control::wireguard {
namespace {

using crypto::Bytes;
using crypto::Hash;
using crypto::PublicKey;

constexpr std::string_view kConstruction = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
constexpr std::string_view kIdentifier = "WireGuard v1 zx2c4 Jason@zx2c4.com";

Bytes bytes_of(std::string_view text) noexcept {
    return std::as_bytes(std::span{text});
}

void mix_hash(Transcript& transcript, Bytes bytes) noexcept {
    transcript.hash = crypto::hash({transcript.hash, bytes});
}

void mix_key(Transcript& transcript, Bytes input) noexcept {
    auto [next] = crypto::derive_1(transcript.chaining_key.bytes(), input);
    transcript.chaining_key = std::move(next);
}

// Mixes the input in and gives the key that seals once.
crypto::Key mix_key_and_derive(Transcript& transcript, Bytes input) noexcept {
    auto [next, key] = crypto::derive_2(transcript.chaining_key.bytes(), input);
    transcript.chaining_key = std::move(next);
    return std::move(key);
}

crypto::Key mix_preshared_key(Transcript& transcript, const PresharedKey& preshared_key) noexcept {
    auto [next, mixed, key] =
        crypto::derive_3(transcript.chaining_key.bytes(), preshared_key.bytes());
    transcript.chaining_key = std::move(next);
    mix_hash(transcript, mixed.bytes());
    return std::move(key);
}

void seal_and_mix(Transcript& transcript, const crypto::Key& key, Bytes text,
                  std::span<std::byte> sealed) noexcept {
    crypto::seal(key, transcript.hash, text, sealed);
    mix_hash(transcript, sealed);
}

bool open_and_mix(Transcript& transcript, const crypto::Key& key, Bytes sealed,
                  std::span<std::byte> text) noexcept {
    if (!crypto::open(key, transcript.hash, sealed, text)) {
        return false;
    }
    mix_hash(transcript, sealed);
    return true;
}

// Both sides start here (wireguard.md section 3, C0 and H0), the responder's key being known.
Transcript start(const PublicKey& responder, const PublicKey& initiator_ephemeral) noexcept {
    const Hash construction = crypto::hash({bytes_of(kConstruction)});
    const Hash identified = crypto::hash({construction, bytes_of(kIdentifier)});
    Transcript transcript{crypto::ChainingKey{std::span{construction}}, identified};
    mix_hash(transcript, responder);
    mix_key(transcript, initiator_ephemeral);
    mix_hash(transcript, initiator_ephemeral);
    return transcript;
}

Transcript copy_of(const Transcript& transcript) noexcept {
    return {crypto::ChainingKey{transcript.chaining_key.bytes()}, transcript.hash};
}

// (T1, T2): the initiator sends with the first (wireguard.md 4.5).
std::pair<crypto::Key, crypto::Key> transport_keys(const Transcript& transcript) noexcept {
    auto [first, second] = crypto::derive_2(transcript.chaining_key.bytes(), {});
    return {std::move(first), std::move(second)};
}

}  // namespace

std::optional<Initiated> initiate(const Identity& identity, const Remote& remote,
                                  crypto::PrivateKey ephemeral, const Timestamp& timestamp,
                                  std::uint32_t sender_index) noexcept {
    crypto::clamp(ephemeral);
    Initiated made;
    made.message.sender_index = le32{sender_index};
    made.message.ephemeral_key = crypto::public_key_of(ephemeral);
    Transcript& transcript = made.pending.transcript;
    transcript = start(remote.public_key(), made.message.ephemeral_key);
    const auto shared = crypto::shared_secret(ephemeral, remote.public_key());
    if (!shared) {
        return std::nullopt;
    }
    seal_and_mix(transcript, mix_key_and_derive(transcript, shared->bytes()), identity.public_key(),
                 made.message.sealed_static_key);
    seal_and_mix(transcript, mix_key_and_derive(transcript, remote.static_static().bytes()),
                 timestamp.bytes(), made.message.sealed_timestamp);
    made.pending.ephemeral = std::move(ephemeral);
    made.pending.sender_index = sender_index;
    return made;
}

std::optional<ReceivedInitiation> read_initiation(
    const Identity& identity, const towpath::wireguard::Initiation& message) noexcept {
    ReceivedInitiation received;
    received.ephemeral = message.ephemeral_key;
    received.sender_index = message.sender_index.host();
    received.transcript = start(identity.public_key(), message.ephemeral_key);
    const auto shared = crypto::shared_secret(identity.private_key(), message.ephemeral_key);
    if (!shared) {
        return std::nullopt;
    }
    const crypto::Key key = mix_key_and_derive(received.transcript, shared->bytes());
    if (!open_and_mix(received.transcript, key, message.sealed_static_key, received.static_key)) {
        return std::nullopt;
    }
    return received;
}

std::optional<Timestamp> read_timestamp(ReceivedInitiation& received, const Remote& remote,
                                        const towpath::wireguard::Initiation& message) noexcept {
    Transcript transcript = copy_of(received.transcript);
    const crypto::Key key = mix_key_and_derive(transcript, remote.static_static().bytes());
    Timestamp::Bytes timestamp{};
    if (!open_and_mix(transcript, key, message.sealed_timestamp, timestamp)) {
        return std::nullopt;
    }
    received.transcript = std::move(transcript);
    return Timestamp::from_bytes(timestamp);
}

std::optional<Responded> respond(const ReceivedInitiation& received, const Remote& remote,
                                 crypto::PrivateKey ephemeral,
                                 std::uint32_t sender_index) noexcept {
    crypto::clamp(ephemeral);
    Responded made;
    made.message.sender_index = le32{sender_index};
    made.message.receiver_index = le32{received.sender_index};
    made.message.ephemeral_key = crypto::public_key_of(ephemeral);
    Transcript transcript = copy_of(received.transcript);
    mix_key(transcript, made.message.ephemeral_key);
    mix_hash(transcript, made.message.ephemeral_key);
    const auto with_ephemeral = crypto::shared_secret(ephemeral, received.ephemeral);
    const auto with_static = crypto::shared_secret(ephemeral, remote.public_key());
    if (!with_ephemeral || !with_static) {
        return std::nullopt;
    }
    mix_key(transcript, with_ephemeral->bytes());
    mix_key(transcript, with_static->bytes());
    const crypto::Key key = mix_preshared_key(transcript, remote.preshared_key());
    seal_and_mix(transcript, key, {}, made.message.sealed_nothing);
    std::tie(made.keys.receive, made.keys.send) = transport_keys(transcript);
    return made;
}

std::optional<TransportKeys> finish(const PendingInitiation& pending, const Identity& identity,
                                    const Remote& remote,
                                    const towpath::wireguard::Response& message) noexcept {
    Transcript transcript = copy_of(pending.transcript);
    mix_key(transcript, message.ephemeral_key);
    mix_hash(transcript, message.ephemeral_key);
    const auto with_ephemeral = crypto::shared_secret(pending.ephemeral, message.ephemeral_key);
    const auto with_static = crypto::shared_secret(identity.private_key(), message.ephemeral_key);
    if (!with_ephemeral || !with_static) {
        return std::nullopt;
    }
    mix_key(transcript, with_ephemeral->bytes());
    mix_key(transcript, with_static->bytes());
    const crypto::Key key = mix_preshared_key(transcript, remote.preshared_key());
    if (!open_and_mix(transcript, key, message.sealed_nothing, {})) {
        return std::nullopt;
    }
    TransportKeys keys;
    std::tie(keys.send, keys.receive) = transport_keys(transcript);
    return keys;
}

}  // namespace towpath::control::wireguard
