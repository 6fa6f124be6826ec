// SPDX-License-Identifier: BSD-3-Clause
#include "control/wireguard/load.h"

#include <algorithm>
#include <cstring>

#include "dataplane/crypto/hash.h"

namespace towpath::control::wireguard {

std::size_t SourceLimiter::Hash::operator()(const IpAddress& source) const noexcept {
    const crypto::Mac mac = crypto::keyed_mac(std::as_bytes(std::span{&key, 1}), {source.bytes()});
    std::size_t value = 0;
    std::memcpy(&value, mac.data(), sizeof value);
    return value;
}

void SourceLimiter::sweep(Now now) {
    if (swept_at_ && now - *swept_at_ < kIdle) {
        return;
    }
    swept_at_ = now;
    std::erase_if(sources_, [now](const auto& entry) { return now - entry.second.last > kIdle; });
}

bool SourceLimiter::allows(const IpAddress& source, Now now) {
    sweep(now);
    // The hosts of an IPv6 network choose their lower half as they like.
    const IpAddress key = source.is_ipv6() ? IpPrefix{source, 64}.address() : source;
    const auto found = sources_.find(key);
    if (found == sources_.end()) {
        if (sources_.size() >= kEntriesMax) {
            return false;
        }
        sources_.emplace(key, Bucket{now, kBurst - kCost});
        return true;
    }
    Bucket& bucket = found->second;
    bucket.saved = std::min(kBurst, bucket.saved + (now - bucket.last));
    bucket.last = now;
    if (bucket.saved < kCost) {
        return false;
    }
    bucket.saved -= kCost;
    return true;
}

}  // namespace towpath::control::wireguard
