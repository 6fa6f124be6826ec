// SPDX-License-Identifier: BSD-3-Clause
// What a Device wants done: values, carried out by whoever owns the sockets. Actions of one call
// are carried out in their order.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "control/wireguard/handshake.h"
#include "control/wireguard/handshake_result.h"
#include "control/wireguard/timestamp.h"
#include "dataplane/wire/ip_address.h"
#include "dataplane/wire/now.h"

namespace towpath::control::wireguard {

// Of all tunnels together, given by whoever owns the configuration; below the data plane's
// capacity.
using PeerId = std::uint32_t;

// The bytes of a message of type 1 to 3.
struct HandshakePacket {
    std::array<std::byte, sizeof(towpath::wireguard::Initiation)> bytes{};
    std::uint8_t length_bytes = 0;

    HandshakePacket() = default;
    template <class Message>
    explicit HandshakePacket(const Message& message) noexcept
        : length_bytes{static_cast<std::uint8_t>(sizeof message)} {
        static_assert(sizeof message <= sizeof bytes);
        std::memcpy(bytes.data(), &message, sizeof message);
    }
    [[nodiscard]] std::span<const std::byte> view() const noexcept {
        return std::span{bytes}.first(length_bytes);
    }
};

// The whole byte of the outer header (wireguard.md 2.5): initiations and responses AF41.
inline constexpr std::uint8_t kHandshakeTrafficClass = 0x88;
inline constexpr std::uint8_t kCookieReplyTrafficClass = 0;

// An initiation to the peer's endpoint, which the data plane knows.
struct SendHandshake {
    PeerId peer = 0;
    HandshakePacket packet;
    std::uint8_t traffic_class = kHandshakeTrafficClass;
    // The local address that the peer last used may be what is wrong (wireguard.md section 14).
    bool forgets_local_address = false;
};

// A cookie reply, to where the offending message came from and from where it went to.
struct SendTo {
    IpEndpoint to;
    IpEndpoint from;
    unsigned worker = 0;  // on which the message arrived
    HandshakePacket packet;
    std::uint8_t traffic_class = kCookieReplyTrafficClass;
};

// A session, once, with the packet that leaves after it is in force (decisions.md W3): the
// response, or nothing for an initiator. Keys are wiped with the action.
struct InstallSession {
    PeerId peer = 0;
    std::uint32_t index = 0;
    std::uint32_t remote_index = 0;
    HandshakeRole role = HandshakeRole::initiator;
    TransportKeys keys;
    // Of the message that made it: whence and where to, when, and on which worker, which becomes
    // the owner (W4).
    IpEndpoint remote;
    IpAddress local;
    Now received_at{};
    unsigned worker = 0;
    Timestamp greatest_timestamp;  // received from this peer; survives a restart of control (W20)
    HandshakePacket packet;
};

struct EndSessions {
    enum class How : std::uint8_t { stop_sending, erase };
    PeerId peer = 0;
    How how = How::erase;
};

// What waits for a session is dropped: the handshake was given up.
struct DropStaged {
    PeerId peer = 0;
};

// The configured or resolved endpoint; `generation` differs whenever the endpoint does, so that it
// is applied once (W11).
struct SetEndpoint {
    PeerId peer = 0;
    IpEndpoint endpoint;
    std::uint32_t generation = 0;
};

// Asks for Device::on_resolved.
struct Resolve {
    PeerId peer = 0;
    std::string name;
    std::uint16_t port = 0;
};

// A line for the log.
struct Note {
    std::string text;
};

using Action = std::variant<SendHandshake, SendTo, InstallSession, EndSessions, DropStaged,
                            SetEndpoint, Resolve, Note>;
using ActionList = std::vector<Action>;
void append(ActionList& out, Action action);

// The same endpoint has the same generation in every run of the program: a restart of control never
// undoes a peer's roaming. Not 0, which is no endpoint.
[[nodiscard]] std::uint32_t endpoint_generation(const IpEndpoint& endpoint) noexcept;

}  // namespace towpath::control::wireguard
