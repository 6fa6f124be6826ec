// SPDX-License-Identifier: BSD-3-Clause
// Lane::icmp_error -> link | drop.
// Turns a rejected packet, in place, into the ICMP error that tells its sender (RFC 792, RFC 1122
// section 3.2.2, RFC 1812 section 4.3.2): from the receiving interface's own address, quoting the
// packet as its sender sent it (decisions.md N17) up to 576 bytes in all. What comes out is
// `is_originated`, with egress and next hop set; `verdict` stays, so that whoever counts drops
// counts the packet that was rejected.
//
// When no error may be sent (nat-behaviour.md 16.3) the packet drops for its verdict. An error that
// only its number forbids, beyond the rate or within a second of an identical one, is counted as
// suppressed besides. Identical are errors of one type and code about one flow; each ICMP query is
// a flow of its own, and a time exceeded is identical only if it quotes the same packet: a
// traceroute may keep to one flow and tell its probes apart by that.
#pragma once

#include <cstddef>

#include "dataplane/packet/batch.h"
#include "dataplane/route/icmp_error_budget.h"
#include "dataplane/route/view.h"
#include "dataplane/wire/now.h"

namespace towpath::route {

inline constexpr std::size_t kIcmpErrorBytesMax = 576;  // IPv4 header to end of quote

struct IcmpErrorState {
    View view;
    IcmpErrorBudget budget;
};

void icmp_error_stage(IcmpErrorState& state, Batch& batch, Now now) noexcept;

}  // namespace towpath::route
