// SPDX-License-Identifier: BSD-3-Clause
// What the API, the metrics page and the client can know of WireGuard tunnels and their peers:
// plain values, part of api_model.h. Keys are in base64, as in WireGuard's own tools.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace towpath::control {

// Handshakes that ended in one way, since control started.
struct HandshakeCountModel {
    std::string role;    // initiator, responder
    std::string result;  // "completed", "unknown_key": control/wireguard/handshake_result.h
    std::uint64_t count = 0;
};

// Somebody whose handshakes end here.
struct StrangerModel {
    std::string reason;      // unknown_key, bad_mac1
    std::string public_key;  // of unknown_key
    std::string endpoint;    // where the last one came from
    std::uint64_t count = 0;
    std::uint64_t age_s = 0;  // since the last; gone after five minutes
};

struct TunnelModel {
    std::string name;
    std::string public_key;  // empty: no private key
    std::uint16_t listen_port = 0;
    std::uint16_t mtu_bytes = 0;
    std::vector<std::string> addresses;  // with prefix length
    bool is_running = false;             // the data plane has it
    std::uint32_t peers = 0;
    std::uint32_t peers_up = 0;
    std::vector<HandshakeCountModel> handshakes;  // only what has happened
    std::vector<StrangerModel> strangers;
};

struct PeerModel {
    std::string tunnel;
    std::string name;  // as configured; empty: none
    std::string public_key;
    bool has_preshared_key = false;
    std::string endpoint;                     // where packets go now; empty: not known
    std::vector<std::string> allowed_ips;     // prefixes
    std::uint64_t handshake_s = 0;            // of the last complete one, since 1970; 0: never
    std::uint32_t handshake_nanoseconds = 0;  // behind those seconds
    std::uint64_t handshake_age_s = 0;        // 0 if never
    std::uint64_t receive_bytes = 0;          // as WireGuard counts: with headers and handshakes
    std::uint64_t transmit_bytes = 0;
    std::uint16_t persistent_keepalive_s = 0;  // 0: off
    std::string state;                         // up, idle, waiting, no_answer, ...: PeerStatus
    // Why it is not up, or will not stay so: a sentence, or empty.
    std::string reason;
};

// Peers of all tunnels, in an order that does not change while nothing is added or removed.
struct PeerPage {
    std::vector<PeerModel> peers;
    std::uint64_t next_cursor = 0;  // 0: no more
};

// Handshakes that the operator asked for.
struct RekeyModel {
    std::uint64_t asked = 0;        // peers
    std::uint64_t unreachable = 0;  // peers without a known endpoint
};

// Secrets. Only for root, over the Unix socket.
struct PeerKeyModel {
    std::string public_key;
    std::string preshared_key;  // empty: none
};
struct TunnelKeysModel {
    std::string name;
    std::string private_key;  // empty: none
    std::vector<PeerKeyModel> peers;
};

}  // namespace towpath::control
