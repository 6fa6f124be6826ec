// SPDX-License-Identifier: BSD-3-Clause
// What the data plane knows, in the words of the contract: pure conversions from counters and
// views.
#pragma once

#include "dataplane/contract/query.h"
#include "dataplane/nat/event_ring.h"
#include "dataplane/nat/policy.h"
#include "dataplane/nat/view.h"
#include "dataplane/worker/worker.h"

namespace towpath::engine {

void fill_counters(contract::CountersReply& reply, const worker::Worker& worker);

[[nodiscard]] contract::MappingRow mapping_row(const nat::MappingView& view,
                                               const nat::Policy& policy);

[[nodiscard]] contract::RemoteRow remote_row(const nat::RemoteView& view);

[[nodiscard]] contract::EventRow event_row(const nat::MappingEvent& event, WorkerId worker);

[[nodiscard]] contract::PortDriver driver_of(port::Driver driver) noexcept;
[[nodiscard]] Protocol protocol_of(contract::MappingKind kind) noexcept;
[[nodiscard]] contract::MappingKind kind_of(Protocol protocol) noexcept;

}  // namespace towpath::engine
