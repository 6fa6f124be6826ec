// SPDX-License-Identifier: BSD-3-Clause
// How many ICMP errors are sent, of either family: a rate for each interface that received what is
// rejected, a rate for each host that would hear of it, and none that is identical to one of the
// last second (nat-behaviour.md 16.3; RFC 4443 section 2.4 f).
#pragma once

#include <array>

#include "dataplane/packet/counters.h"
#include "dataplane/packet/interface.h"
#include "dataplane/route/recent_errors.h"
#include "dataplane/route/token_bucket.h"
#include "dataplane/wire/now.h"

namespace towpath::route {

// Own budgets, so that exhaustion errors cannot starve PMTUD or traceroute.
enum class IcmpErrorClass : std::uint8_t { too_big, time_exceeded, other, count };

struct IcmpErrorBudget {
    static constexpr std::size_t kClasses = static_cast<std::size_t>(IcmpErrorClass::count);
    static constexpr std::size_t kHostBuckets = 1024;  // hosts that share one share its rate

    struct Question {
        InterfaceId ingress = kNoInterface;
        IcmpErrorClass error_class = IcmpErrorClass::other;
        std::uint64_t host_hash = 0;  // of who would hear it; keyed
        std::uint64_t identity = 0;   // what makes two errors identical; keyed
    };
    // Whether the error is sent, which counts against the rates; if not, why not is counted.
    [[nodiscard]] bool take(const Question& question, Now now) noexcept {
        if (recent.contains(question.identity, now)) {
            suppressed->repeated.add();
            return false;
        }
        const auto error_class = static_cast<std::size_t>(question.error_class);
        TokenBucket& of_host =
            host_buckets[question.host_hash >> 32U & (kHostBuckets - 1)][error_class];
        TokenBucket& of_interface =
            interface_buckets[static_cast<std::size_t>(question.ingress)][error_class];
        // The host first, so that one loud host cannot use up what others would get.
        if (!of_host.take(host_limit, now) || !of_interface.take(interface_limit, now)) {
            suppressed->over_rate.add();
            return false;
        }
        recent.note(question.identity, now);
        return true;
    }

    RateLimit interface_limit = RateLimit::per_second(1000, 100);
    RateLimit host_limit = RateLimit::per_second(10, 6);
    std::uint64_t key = 0;  // random, so that nobody chooses whom to share a bucket with
    std::array<std::array<TokenBucket, kClasses>, kInterfacesMax> interface_buckets{};
    std::array<std::array<TokenBucket, kClasses>, kHostBuckets> host_buckets{};
    RecentErrors recent;
    SuppressedErrorCounters* suppressed = nullptr;  // PipelineCounters::suppressed_errors
};

}  // namespace towpath::route
