// SPDX-License-Identifier: BSD-3-Clause
// A peer of a Device: what is configured, and where its handshake stands. Values only; what happens
// to them is device.cc's business.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "control/wireguard/action.h"
#include "control/wireguard/cookie_jar.h"
#include "control/wireguard/identity.h"
#include "control/wireguard/perhaps_now.h"

namespace towpath::control::wireguard {

// Seconds and nanoseconds since 1970, of the wall clock: for time stamps and for reports.
struct UnixTime {
    std::uint64_t seconds = 0;
    std::uint32_t nanoseconds = 0;
    friend auto operator<=>(const UnixTime&, const UnixTime&) = default;
};

// Both clocks at once. `now` counts the time that the machine slept.
struct Moment {
    Now now{};
    UnixTime unix_time;
};

// Where a peer is configured to be: by address, by name, or not at all.
struct ConfiguredEndpoint {
    IpEndpoint address;  // none: by name, or not at all
    std::string name;
    std::uint16_t port = 0;  // of the name
    friend bool operator==(const ConfiguredEndpoint&, const ConfiguredEndpoint&) = default;
};

struct PeerSettings {
    PeerId id = 0;
    crypto::PublicKey public_key{};
    PresharedKey preshared_key;  // zeros: none
    ConfiguredEndpoint endpoint;
    Duration re_resolve = std::chrono::seconds{30};
};

// wireguard.md section 1 and 15.
inline constexpr Duration kRekeyTimeout = std::chrono::seconds{5};
inline constexpr Duration kJitter_max = std::chrono::milliseconds{333};
inline constexpr unsigned kRetries_max = 18;  // a timer that finds more gives up: 20 initiations
inline constexpr Duration kSessionErase = std::chrono::seconds{540};
inline constexpr Duration kSessionAge_max = std::chrono::seconds{180};
// So many handshakes without their end are no accident. The last of them has had this long.
inline constexpr unsigned kFruitless_min = 2;
inline constexpr Duration kConfirmation_max = std::chrono::seconds{2};
inline constexpr Duration kInitiationSpacing = std::chrono::milliseconds{20};

struct Peer {
    PeerSettings settings;
    std::optional<Remote> remote;  // none without an identity, or with a key of low order
    IpEndpoint resolved;           // of a configured name
    bool has_endpoint = false;     // configured, resolved or learnt: the data plane has one

    std::unique_ptr<PendingInitiation> pending;  // few peers have one at a time
    // Keypairs that the data plane has: the index of the newest, which leads to the others
    // (Device), and how many there are.
    std::uint32_t newest_session = 0;
    std::uint32_t session_count = 0;
    SentTimestamps sent_timestamps;
    Timestamp greatest_received;  // survives everything but the peer (wireguard.md section 6)
    CookieHolder cookie;

    unsigned attempts = 0;
    unsigned unanswered = 0;  // initiations since the last handshake, over all attempts
    PerhapsNow unanswered_since;
    unsigned unconfirmed = 0;  // the peer's, that were answered since then
    bool is_wanted = false;    // a handshake was asked for and could not begin
    PerhapsNow last_sent;      // initiation or response
    PerhapsNow last_consumed;  // initiation of the peer's
    PerhapsNow completed_at;
    std::optional<UnixTime> completed_at_unix;
    PerhapsNow resolve_asked_at;

    // Deadlines.
    PerhapsNow retransmit_at;
    PerhapsNow erase_at;
    PerhapsNow scheduled;  // where the device's agenda has this peer

    PeerStatus trouble = PeerStatus::idle;  // the last thing that went wrong; idle: nothing
    PeerStatus said = PeerStatus::idle;     // what the log has heard last: up, or a trouble
    bool is_name_lost = false;              // likewise
    IpEndpoint heard_from;                  // the newest message that was good
};

}  // namespace towpath::control::wireguard
