// SPDX-License-Identifier: BSD-3-Clause
// What the operator decided about translation: values only, part of an immutable generation.
// Defaults and floors: nat-behaviour.md sections 2 and 5, decisions.md N18, N19.
#pragma once

#include <array>
#include <bitset>
#include <chrono>
#include <cstdint>
#include <vector>

#include "dataplane/nat/realm.h"
#include "dataplane/packet/interface.h"
#include "dataplane/packet/prefix_set.h"
#include "dataplane/wire/address.h"
#include "dataplane/wire/now.h"

namespace towpath::nat {

// RFC 4787 section 5: who may send to a mapping from outside.
enum class Filtering : std::uint8_t {
    endpoint_independent,
    address_dependent,
    address_and_port_dependent,
};

// What an inside sender hears when no mapping or session can be made for want of room
// (nat-behaviour.md section 2, decision 1): type 3 code 1, which hosts take for transient, type 3
// code 13, or nothing.
enum class ExhaustionIcmp : std::uint8_t { host_unreachable, admin_prohibited, silent };

struct Timeouts {
    Duration udp = std::chrono::seconds{300};
    Duration udp_unreplied = std::chrono::seconds{120};  // U-05: never below
    Duration tcp_established = std::chrono::seconds{7440};
    Duration tcp_open = std::chrono::seconds{240};
    Duration tcp_close = std::chrono::seconds{240};
    Duration icmp = std::chrono::seconds{60};
    Duration port_hold = std::chrono::seconds{120};  // C-08
    friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

// What becomes of the flows between the peers of a tunnel and interfaces that are neither outside
// nor tunnels (decisions.md W13). Independent of Policy::is_enabled.
struct TunnelFlows {
    bool is_translated = false;  // towards the address of the interface that they leave by
    bool is_stateful = false;    // what is not translated is tracked, and only peers begin
    PrefixSet exceptions;        // destinations for which translation is the other way round
    [[nodiscard]] bool translates(Ipv4Address destination) const noexcept {
        return is_translated != exceptions.contains(destination);
    }
};

struct Policy {
    bool is_enabled = false;  // from inside to outside
    bool hairpin = true;
    bool clamp_mss = true;
    bool udp_inbound_refresh = false;    // U-06a
    bool rewrite_identification = true;  // nat-behaviour.md section 2, decision 13
    Filtering udp_filtering = Filtering::endpoint_independent;
    Filtering tcp_filtering = Filtering::address_and_port_dependent;
    Filtering icmp_filtering = Filtering::endpoint_independent;
    bool reject_syns = false;  // T-04.2: 3/3 for an unsolicited SYN, 6 s later
    ExhaustionIcmp exhaustion_icmp = ExhaustionIcmp::host_unreachable;
    Timeouts timeouts;
    // What may be translated: inside sources (anti-spoof, BAD-IP-10).
    std::vector<Ipv4Prefix> sources;
    // Outside addresses; the position is the pool index.
    std::vector<Ipv4Address> pool;
    // Ports that mappings may hold, and those they may not (host-ports, N10); the class rule U-03a
    // applies within.
    std::uint16_t port_first = 1024;
    std::uint16_t port_last = 65535;
    std::bitset<65536> reserved_ports;
    // By interface id: of a tunnel its flows; of others the address that peers are translated to,
    // which is in no pool, or none.
    bool has_tunnel_flows = false;
    std::array<TunnelFlows, kInterfacesMax> tunnel_flows;
    RealmAddresses realm_addresses{};
};

// Fixed at start.
struct Capacity {
    std::size_t mappings = 256 * 1024;
    std::size_t sessions = 256 * 1024;
    std::size_t pool_addresses = 16;
    std::size_t realm_addresses = 0;  // of interfaces beside the pool, those that drain included
    std::size_t workers = 1;
    std::size_t fragment_contexts_per_worker = 4096;
};

}  // namespace towpath::nat
