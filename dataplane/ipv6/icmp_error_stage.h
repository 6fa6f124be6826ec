// SPDX-License-Identifier: BSD-3-Clause
// Lane::icmp6_error -> link6 | drop.
// Turns a rejected packet, in place, into the ICMPv6 error that tells its sender (RFC 4443 sections
// 2.4 and 3): from an address of the receiving interface, quoting as much as fits the minimum MTU.
// What comes out is `is_originated`, with egress and next hop set; `verdict` stays, so that whoever
// counts drops counts the packet that was rejected.
//
// When no error may be sent (RFC 4443 section 2.4 e) the packet drops for its verdict. Errors have
// the same rates as IPv4's, and as there an error identical to one of the last second is not sent;
// both are counted as suppressed.
#pragma once

#include "dataplane/ipv6/view.h"
#include "dataplane/packet/batch.h"
#include "dataplane/route/icmp_error_budget.h"
#include "dataplane/wire/now.h"

namespace towpath::ipv6 {

struct IcmpErrorState {
    View view;
    route::IcmpErrorBudget budget;
};

void icmp_error_stage(IcmpErrorState& state, Batch& batch, Now now) noexcept;

}  // namespace towpath::ipv6
