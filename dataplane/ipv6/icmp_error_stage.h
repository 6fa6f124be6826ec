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

#include <array>

#include "dataplane/ipv6/view.h"
#include "dataplane/packet/batch.h"
#include "dataplane/packet/counters.h"
#include "dataplane/route/icmp_error_stage.h"
#include "dataplane/route/recent_errors.h"
#include "dataplane/route/token_bucket.h"
#include "dataplane/wire/now.h"

namespace towpath::ipv6 {

struct IcmpErrorState {
    using Class = route::IcmpErrorClass;
    static constexpr std::size_t kClasses = static_cast<std::size_t>(Class::count);
    static constexpr std::size_t kHostBuckets = 1024;  // hosts that share one share its rate

    View view;
    route::RateLimit interface_limit = route::RateLimit::per_second(1000, 100);
    route::RateLimit host_limit = route::RateLimit::per_second(10, 6);
    std::uint64_t key = 0;  // random, so that nobody chooses whom to share a bucket with
    std::array<std::array<route::TokenBucket, kClasses>, kInterfacesMax> interface_buckets{};
    std::array<std::array<route::TokenBucket, kClasses>, kHostBuckets> host_buckets{};
    route::RecentErrors recent;
    SuppressedErrorCounters* suppressed = nullptr;  // PipelineCounters::suppressed_errors
};

void icmp_error_stage(IcmpErrorState& state, Batch& batch, Now now) noexcept;

}  // namespace towpath::ipv6
