// SPDX-License-Identifier: BSD-3-Clause
// What queries about mappings answer (decisions.md N4): values, copied by the owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/nat/mapping.h"
#include "dataplane/nat/session.h"
#include "dataplane/packet/counters.h"
#include "dataplane/wire/address.h"

namespace towpath::nat {

struct MappingView {
    Endpoint inside;
    Endpoint outside;
    Protocol protocol = Protocol::udp;
    Realm realm = kOutsideRealm;
    WorkerId owner = 0;
    bool is_held = false;  // ended, its port still rests
    bool is_replied = false;
    std::uint32_t sessions = 0;  // 0 where nothing tracks remotes
    std::uint32_t age_s = 0;
    std::uint32_t idle_s = 0;  // since the last outbound packet
};

// A session of a mapping, as remotes() tells it.
struct RemoteView {
    Endpoint remote;  // port 0: any port of that address
    SessionState state = SessionState::permit;
    std::uint32_t idle_s = 0;  // since the last segment of either side, or the last packet sent
};

// A page of list() or remotes(): go on with `cursor` until it is 0 again.
struct Page {
    std::size_t count = 0;
    std::uint32_t cursor = 0;
};

// tcp, udp, icmp: the order of every per-protocol array here.
inline constexpr std::size_t kProtocolCount = 3;
[[nodiscard]] constexpr std::size_t protocol_position(Protocol protocol) noexcept {
    return protocol == Protocol::tcp ? 0U : protocol == Protocol::udp ? 1U : 2U;
}

// Written by one worker, read by anyone.
struct NatCounters {
    std::array<Counter, kProtocolCount> mappings_created;
    std::array<Counter, kProtocolCount> mappings_ended;  // live ones: created - ended
    std::array<Counter, kProtocolCount> sessions_created;
    std::array<Counter, kProtocolCount> sessions_ended;
    Counter holds_released_early;
    Counter holds_taken_back;  // a held port returned to its own inside endpoint
    Counter revived;           // idle by the clock, used by another worker meanwhile
    Counter resets_sent;       // decisions.md N15
    Counter mss_clamped;
    Counter mss_malformed;
    Counter resyncs;
};

struct PortUsage {
    std::uint32_t used = 0;     // by live and held mappings
    std::uint32_t held = 0;     // of these: ended, the port rests
    std::uint64_t refused = 0;  // mappings not made for want of a port, since start
    std::uint32_t total = 65536;
};

}  // namespace towpath::nat
