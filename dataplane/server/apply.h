// SPDX-License-Identifier: BSD-3-Clause
// State messages onto a world under construction: pure. A refused message leaves the construction
// as it was. Publishing, numbering and the socket are not here.
#pragma once

#include <cstdint>

#include "dataplane/contract/messages.h"
#include "dataplane/contract/world_state.h"
#include "dataplane/wire/result.h"

namespace towpath::server {

// How far a list has come. Complete when next == total.
struct ListProgress {
    std::uint32_t total = 0;
    std::uint32_t next = 0;
    [[nodiscard]] bool is_complete() const noexcept { return next == total; }
};

struct Construction {
    contract::World world;
    ListProgress routes;
    ListProgress ipv6_routes;
    ListProgress sources;
    ListProgress pool;
    ListProgress allow;
    ListProgress advertised;
};

// A construction that begins where `applied` is.
[[nodiscard]] Construction construction_from(const contract::World& applied);

// Refused: an interface that `start` did not name, an address that no interface can carry, a chunk
// that does not continue its list, more than `start` has room for. The message was decoded, so its
// fields are in range.
[[nodiscard]] Outcome<void> apply(Construction& construction, const contract::StartSettings& start,
                                  const contract::InterfaceSet& message);
[[nodiscard]] Outcome<void> apply(Construction& construction, const contract::StartSettings& start,
                                  const contract::RouteChunk& message);
[[nodiscard]] Outcome<void> apply(Construction& construction, const contract::StartSettings& start,
                                  const contract::Ipv6RouteChunk& message);
[[nodiscard]] Outcome<void> apply(Construction& construction, const contract::StartSettings& start,
                                  const contract::NatSet& message);
[[nodiscard]] Outcome<void> apply(Construction& construction, const contract::StartSettings& start,
                                  const contract::SourceChunk& message);
[[nodiscard]] Outcome<void> apply(Construction& construction, const contract::StartSettings& start,
                                  const contract::PoolChunk& message);
[[nodiscard]] Outcome<void> apply(Construction& construction, const contract::StartSettings& start,
                                  const contract::AllowChunk& message);
[[nodiscard]] Outcome<void> apply(Construction& construction, const contract::StartSettings& start,
                                  const contract::TunnelSet& message);
[[nodiscard]] Outcome<void> apply(Construction& construction, const contract::StartSettings& start,
                                  const contract::AdvertiseChunk& message);

// What must hold over all messages before a commit: lists are whole, and translation that is
// switched on has somewhere to come from and go to.
[[nodiscard]] Outcome<void> check_whole(const Construction& construction);

}  // namespace towpath::server
